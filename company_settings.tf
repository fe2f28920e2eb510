# --- The companies and their settings, as the functions read them ---

locals {
  # The names allowed in company_settings, by type. variables.tf says what each does.
  company_setting_names = {
    text = [
      "odoo_company", "slack_channel_id", "extract_since", "default_account", "payable_account",
      "class", "department", "time_zone", "quiet_hours", "tax", "country", "due_date",
    ]
    number = ["two_approvals_above", "books_close_day", "reminder_hours", "escalation_hours"]
    bool   = ["tax_on_lines"]
    list   = ["approvers", "escalation_approvers", "intercompany_vendors"]
    map    = ["accounts", "vendors", "taxes", "terms"]
  }

  given_settings = {
    for company in keys(var.qb_realm_ids) : company => {
      for name, value in try(var.company_settings[company], {}) : name => value if value != null
    }
  }

  companies = {
    for company, realm in var.qb_realm_ids : company => merge(
      { odoo_company = company, slack_channel_id = var.slack_channel_id },
      { for name, value in local.given_settings[company] : name => tostring(value) if contains(local.company_setting_names.text, name) },
      { for name, value in local.given_settings[company] : name => tonumber(value) if contains(local.company_setting_names.number, name) },
      { for name, value in local.given_settings[company] : name => tobool(value) if contains(local.company_setting_names.bool, name) },
      { for name, value in local.given_settings[company] : name => [for one in value : tostring(one)] if contains(local.company_setting_names.list, name) },
      { for name, value in local.given_settings[company] : name => { for ours, theirs in value : ours => tostring(theirs) } if contains(local.company_setting_names.map, name) },
      { realm_id = realm },
    )
  }
}

locals {
  settings_item = jsonencode({
    entry_id  = { S = "settings" }
    companies = { S = jsonencode(local.companies) }
  })
}
