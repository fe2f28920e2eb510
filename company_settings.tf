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

# In a table, because a function's environment holds at most 4 kB. In a table of their own, which no
# function may write: only Terraform sets who may approve, and above which amount two must.
resource "aws_dynamodb_table" "settings" {
  #checkov:skip=CKV_AWS_119: secrets.tf says why no key of our own
  name                        = "odoo-qb-settings-${var.environment}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "entry_id" # as in the bills' table, where 1.0 kept the item
  deletion_protection_enabled = local.in_production

  attribute {
    name = "entry_id"
    type = "S"
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled = true
  }
}

resource "aws_dynamodb_table_item" "company_settings" {
  table_name = aws_dynamodb_table.settings.name
  hash_key   = aws_dynamodb_table.settings.hash_key
  item       = local.settings_item

  # The functions restart once this is written. The copy comes first, so that there is no moment at
  # which one of them, of whichever version, finds neither.
  depends_on = [aws_dynamodb_table_item.settings]

  lifecycle {
    # If an upgrade from 1.0 is undone, Terraform updates the functions first and deletes this last.
    create_before_destroy = true
  }
}

# 1.0 kept the item among the bills, at this address. It stays there, up to date: functions of 1.0 read
# it until the upgrade has replaced the last of them, and again if the upgrade is undone. Functions of this
# version read it only during an upgrade, until their role allows the table above.
resource "aws_dynamodb_table_item" "settings" {
  table_name = aws_dynamodb_table.bills.name
  hash_key   = aws_dynamodb_table.bills.hash_key
  item       = local.settings_item
}
