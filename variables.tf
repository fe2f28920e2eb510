# The inputs of a deployment. Secrets are ephemeral: Terraform passes them to Secrets Manager and stores
# them in neither its state nor its plans, so every plan and apply needs them again.

# --- The deployment ---

variable "aws_region" {
  description = "AWS region for all resources. Slack waits only three seconds for a response and runs in the United States, so the default is nearby."
  type        = string
  default     = "us-west-2"
}

variable "environment" {
  description = "Suffix of every resource name, so that several deployments fit in one account. Only `prod` is protected against deletion."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,15}$", var.environment))
    error_message = "environment is part of queue, bucket and function names: use a lower-case letter, then up to 15 lower-case letters, digits or hyphens."
  }
}

variable "alert_email" {
  description = "Receives alerts that someone must act on. AWS first sends this address a confirmation link."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "alert_email must be one e-mail address, such as bills@example.com."
  }
}

variable "schedules_enabled" {
  description = "Whether the schedules run. Leave false until the secrets are real and a dry run shows the bills you expect; set false again to pause. While false, no bills are read from Odoo and stuck bills are not retried. Clicks and approved bills are still processed."
  type        = bool
  default     = true
  nullable    = false
}

variable "posting_enabled" {
  description = "Whether approved bills are posted. While false, they wait in the queue for up to 14 days, then are queued again."
  type        = bool
  default     = true
  nullable    = false
}

variable "dashboard_enabled" {
  description = "Whether to create the dashboard. An account's first three are free; each further one costs $3 a month."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "Days to keep the functions' logs. They contain ids and results; each bill's history is in the table."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods CloudWatch offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "reserved_concurrency" {
  description = "Concurrent runs to reserve for a function, by name: extractor, notifier, approval_handler, poster. The number is also its limit. Functions not listed are unreserved: an account that has only ten runs cannot reserve any. 0 turns a function off; for the poster, use posting_enabled instead."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.reserved_concurrency), ["extractor", "notifier", "approval_handler", "poster"])) == 0
    error_message = "reserved_concurrency has unknown functions: ${join(", ", setsubtract(keys(var.reserved_concurrency), ["extractor", "notifier", "approval_handler", "poster"]))}. Use extractor, notifier, approval_handler or poster."
  }
  validation {
    condition     = alltrue([for runs in values(var.reserved_concurrency) : runs == null ? true : runs >= 0 && floor(runs) == runs])
    error_message = "reserved_concurrency must hold whole numbers, 0 or more."
  }
  validation {
    condition     = try(var.reserved_concurrency.poster != 0, true)
    error_message = "A reserved_concurrency of 0 would send approved bills to the dead-letter queue, because each rejected delivery counts as an attempt. To stop posting, set posting_enabled to false."
  }
}

variable "postings_at_once" {
  description = "How many companies' bills are posted in parallel; bills of one company are always posted one at a time. Two leaves enough runs for clicks in an account that has only ten. Raise it for dozens of companies, once the account's limit is higher."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.postings_at_once >= 2 && var.postings_at_once <= 1000 && floor(var.postings_at_once) == var.postings_at_once
    error_message = "postings_at_once must be a whole number from 2 to 1000, the range AWS accepts."
  }
}

variable "secrets_version" {
  description = "Raise by one whenever a secret below changes: Terraform doesn't store secrets, so it can't see the change. Raising it also restarts the functions, which read secrets only at start."
  type        = number
  default     = 1

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "secrets_version must be a whole number, 1 or more."
  }
}

# --- Odoo ---

variable "odoo_api_url" {
  description = "Odoo's address, such as https://example.odoo.com. No default, so that credentials are never sent to the wrong server."
  type        = string

  validation {
    condition     = can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", var.odoo_api_url))
    error_message = "odoo_api_url must be an https address without credentials, query or fragment (http only on this machine)."
  }
}

variable "odoo_database" {
  description = "Name of the Odoo database, which its API requires."
  type        = string

  validation {
    condition     = length(trimspace(var.odoo_database)) > 0
    error_message = "odoo_database must not be empty."
  }
}

variable "odoo_username" {
  description = "Login of the Odoo user the extractor signs in as. It needs read access to the bills of every company, and nothing else."
  type        = string

  validation {
    condition     = length(trimspace(var.odoo_username)) > 0
    error_message = "odoo_username must not be empty."
  }
}

variable "odoo_api_key" {
  description = "API key of that Odoo user."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(trimspace(var.odoo_api_key)) > 0
    error_message = "odoo_api_key must not be empty."
  }
}

variable "schedule_rate" {
  description = "How often to check Odoo for changes. A run that finds none makes two calls."
  type        = string
  default     = "rate(15 minutes)"

  validation {
    condition     = can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(.+\\))$", var.schedule_rate))
    error_message = "schedule_rate must be an EventBridge expression, such as rate(15 minutes), rate(1 hour) or cron(...)."
  }
}

variable "extract_since" {
  description = "Go-live date (YYYY-MM-DD). Bills dated earlier are already in QuickBooks and are skipped."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", var.extract_since)) && can(formatdate("YYYY", "${var.extract_since}T00:00:00Z"))
    error_message = "extract_since must be a valid date, written YYYY-MM-DD."
  }
}

variable "record_retention_days" {
  description = "Days to keep finished bills and replaced documents. The default is seven years, which tax authorities commonly require."
  type        = number
  default     = 2555

  validation {
    condition     = var.record_retention_days >= 30 && floor(var.record_retention_days) == var.record_retention_days
    error_message = "record_retention_days must be a whole number, 30 or more: once a record is deleted, it can no longer prevent its bill from being posted twice."
  }
}

# --- Slack ---

variable "slack_channel_id" {
  description = "Channel for companies without one of their own. Use its id, such as C0123456789, because names change."
  type        = string

  validation {
    condition     = can(regex("^[CG][A-Z0-9-]+$", var.slack_channel_id))
    error_message = "slack_channel_id must be a channel id (C… or G…), not a name."
  }
}

variable "slack_bot_token" {
  description = "Bot token (xoxb-…), shown in Slack once the app is installed."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = can(regex("^xoxb-\\S+$", var.slack_bot_token))
    error_message = "slack_bot_token must be a bot token: it starts with xoxb- and contains no spaces."
  }
}

variable "slack_signing_secret" {
  description = "The Slack app's signing secret, used to verify that clicks come from Slack."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(trimspace(var.slack_signing_secret)) > 0
    error_message = "slack_signing_secret must not be empty: anyone could then forge clicks."
  }
}

variable "slack_api_url" {
  description = "Address of Slack's API. Change it only for tests or a recording proxy."
  type        = string
  default     = "https://slack.com/api/"

  validation {
    condition     = can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", var.slack_api_url))
    error_message = "slack_api_url must be an https address without credentials, query or fragment (http only on this machine)."
  }
}

variable "slack_messages_per_second" {
  description = "Messages per second to each channel. Slack allows one; only a simulator takes more."
  type        = number
  default     = 1

  validation {
    condition     = var.slack_messages_per_second >= 0.2
    error_message = "slack_messages_per_second must be at least 0.2: any slower and the notifier would time out."
  }
}

variable "rejection_notify_users" {
  description = "Slack users to mention in the thread when a bill is rejected, by id: usually those who can correct it in Odoo."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for user in var.rejection_notify_users : can(regex("^[UW][A-Z0-9-]+$", user))])
    error_message = "rejection_notify_users must be user ids (U… or W…), not names."
  }
}

# --- QuickBooks ---

variable "qb_realm_ids" {
  description = "The companies to process: a key you choose, and its QuickBooks company id (realm). Other companies in Odoo are ignored."
  type        = map(string)

  validation {
    condition     = length(var.qb_realm_ids) > 0
    error_message = "qb_realm_ids needs at least one company."
  }
  validation {
    condition     = alltrue([for company in keys(var.qb_realm_ids) : can(regex("^[A-Za-z0-9_-]{1,100}$", company))])
    error_message = "A company's key in qb_realm_ids is part of file and secret names: use up to 100 letters, digits, _ and -. Put its name in Odoo in company_settings, as odoo_company."
  }
  validation {
    condition     = alltrue([for realm in values(var.qb_realm_ids) : can(regex("^[0-9]+$", realm))])
    error_message = "qb_realm_ids must hold the number that QuickBooks shows as Company ID, without spaces."
  }
  validation {
    condition     = length(distinct(values(var.qb_realm_ids))) == length(var.qb_realm_ids)
    error_message = "Two companies in qb_realm_ids have the same realm id, so both would post to the same QuickBooks company. Give each its own."
  }
}

variable "qb_client_id" {
  description = "Client id of the app at developer.intuit.com."
  type        = string

  validation {
    condition     = length(trimspace(var.qb_client_id)) > 0
    error_message = "qb_client_id must not be empty."
  }
}

variable "qb_client_secret" {
  description = "Client secret of that app."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(trimspace(var.qb_client_secret)) > 0
    error_message = "qb_client_secret must not be empty."
  }
}

variable "qb_refresh_token" {
  description = "Initial refresh token, if there is only one company. For several, use qb_refresh_tokens."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.qb_refresh_token == "" || length(var.qb_realm_ids) == 1
    error_message = "qb_refresh_token works for one company only, and qb_realm_ids has several. Give each company its own in qb_refresh_tokens."
  }
}

variable "qb_refresh_tokens" {
  description = "Initial refresh token of each company, by its key in qb_realm_ids. The poster renews it from then on. To replace one, change it here and raise secrets_version."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(setsubtract(keys(var.qb_refresh_tokens), keys(var.qb_realm_ids))) == 0
    error_message = "qb_refresh_tokens has a company that isn't in qb_realm_ids. Remove it, or add the company there."
  }
  validation {
    condition     = var.qb_refresh_token != "" || length(setsubtract(keys(var.qb_realm_ids), keys(var.qb_refresh_tokens))) == 0
    error_message = "A company in qb_realm_ids has no refresh token. Add one to qb_refresh_tokens; a single company may use qb_refresh_token."
  }
}

variable "qb_use_sandbox" {
  description = "Whether the realms are Intuit sandbox companies, which have their own API address."
  type        = bool
  default     = false
}

variable "quickbooks_calls_per_minute" {
  description = "Most calls per minute to one QuickBooks company. Intuit allows 500 across all apps connected to it: lower this if other apps need a share."
  type        = number
  default     = 500

  validation {
    condition     = var.quickbooks_calls_per_minute >= 30 && var.quickbooks_calls_per_minute <= 500
    error_message = "quickbooks_calls_per_minute must be between 30 and 500: Intuit allows no more, and with fewer the poster would time out."
  }
}

variable "quickbooks_api_url" {
  description = "Address of QuickBooks' API, if it isn't Intuit's production or sandbox. Set it only for tests or a recording proxy."
  type        = string
  default     = null

  validation {
    condition     = var.quickbooks_api_url == null ? true : can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", var.quickbooks_api_url))
    error_message = "quickbooks_api_url must be an https address without credentials, query or fragment (http only on this machine)."
  }
}

variable "quickbooks_oauth_url" {
  description = "Address for renewing tokens. Change it only for tests or a recording proxy."
  type        = string
  default     = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"

  validation {
    condition     = can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", var.quickbooks_oauth_url))
    error_message = "quickbooks_oauth_url must be an https address without credentials, query or fragment (http only on this machine)."
  }
}

# --- The companies ---

variable "company_settings" {
  description = <<-EOT
    Settings per company, by its key in qb_realm_ids. All are optional.
    odoo_company: the company's name in Odoo, if it isn't the key. slack_channel_id: its own channel.
    extract_since: its own go-live date, if it joined later (YYYY-MM-DD).
    approvers: ids of the Slack users (U…, W…) and user groups (S…) who may approve. Without any, every
    colleague in the channel may. Guests and people from other workspaces never may.
    accounts, vendors, taxes, terms: Odoo's code or name = the name in QuickBooks, where they differ.
    default_account: for lines whose account has no match.
    payable_account: the accounts payable account, where QuickBooks has several.
    tax: outside the US, how to post a bill whose tax QuickBooks would round differently than Odoo:
    "override" (Odoo's tax), "quickbooks" (QuickBooks' tax) or "lines" (tax as separate lines). Without
    it, such a bill is blocked and shows both amounts.
    tax_on_lines: where purchase tax is a cost (in the US, or with QuickBooks tax off), true includes it
    in the lines it belongs to.
    country: two letters, where QuickBooks doesn't state the company's country.
    due_date: for a bill paid in instalments, "first_open" (default) or "last".
    class, department: QuickBooks' full names, set on every line and bill where they are tracked.
    books_close_day: the day of the month on which the previous month is closed. Cards warn five days
    before.
    intercompany_vendors: Odoo vendors whose bills are acknowledged, not posted.
    two_approvals_above: two people must approve a bill above this total, in the company's currency, and
    any bill with an unusual exchange rate.
    reminder_hours, escalation_hours, escalation_approvers: after how long a reminder is posted in the
    card's thread, and who may approve after escalation. time_zone ("Europe/Paris"), quiet_hours
    ("18:00-08:00"): when no reminders are posted.
  EOT
  # Not an object type: Terraform silently drops attributes that it doesn't list, so a mistyped name
  # would turn off a control. The types are in company_setting_names, in company_settings.tf.
  type     = any
  default  = {}
  nullable = false

  validation {
    condition     = can([for settings in values(var.company_settings) : keys(settings)])
    error_message = "company_settings must be a map of companies, each { name = value, … }. For a company without settings, use {} or leave it out."
  }
  validation {
    condition     = try(length(setsubtract(keys(var.company_settings), keys(var.qb_realm_ids))) == 0, true)
    error_message = "company_settings has companies that aren't in qb_realm_ids: ${try(join(", ", setsubtract(keys(var.company_settings), keys(var.qb_realm_ids))), "")}. Add them there, or remove them here."
  }
  validation {
    condition     = try(length(setsubtract(flatten([for settings in values(var.company_settings) : keys(settings)]), flatten(values(local.company_setting_names)))) == 0, true)
    error_message = "company_settings has unknown names: ${try(join(", ", setsubtract(flatten([for settings in values(var.company_settings) : keys(settings)]), flatten(values(local.company_setting_names)))), "")}. Use ${join(", ", sort(flatten([for names in values(local.company_setting_names) : tolist(names)])))}."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.text : can(regex("^\\S(.*\\S)?$", settings[name])) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.text)} must be text, not empty and without leading or trailing spaces."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.number : can(tonumber(settings[name])) && try(settings[name] >= 0, false) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.number)} must be numbers, 0 or more."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.bool : can(tobool(settings[name])) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.bool)} must be true or false."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.tax, null) == null ? true : contains(["override", "quickbooks", "lines"], tostring(try(settings.tax, "")))
    ])
    error_message = "tax in company_settings must be \"override\", \"quickbooks\" or \"lines\". Leave it out to block bills whose tax QuickBooks would round differently."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.country, null) == null ? true : can(regex("^[A-Z]{2}$", tostring(settings.country)))
    ])
    error_message = "country in company_settings must be two capital letters, such as \"US\", \"GB\" or \"CA\"."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.due_date, null) == null ? true : contains(["first_open", "last"], tostring(try(settings.due_date, "")))
    ])
    error_message = "due_date in company_settings must be \"first_open\" or \"last\"."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.list : can(tolist(settings[name])) && can([for one in settings[name] : tostring(one)]) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.list)} must be lists of text: [\"…\", \"…\"]."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.map : can(keys(settings[name])) && can([for theirs in values(settings[name]) : tostring(theirs)]) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.map)} must be maps of names in Odoo to names in QuickBooks: { \"…\" = \"…\" }."
  }
  validation {
    condition     = length(distinct([for company in keys(var.qb_realm_ids) : try(coalesce(var.company_settings[company].odoo_company), company)])) == length(var.qb_realm_ids)
    error_message = "Two companies have the same odoo_company, so each bill would belong to both. Give each its own."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^[CG][A-Z0-9-]+$", settings.slack_channel_id)) if try(settings.slack_channel_id, null) != null])
    error_message = "slack_channel_id in company_settings must be a channel id (C… or G…), not a name."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", settings.extract_since)) && can(formatdate("YYYY", "${settings.extract_since}T00:00:00Z")) if try(settings.extract_since, null) != null])
    error_message = "extract_since in company_settings must be a valid date, written YYYY-MM-DD."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for approver in concat(try([for id in settings.approvers : id], []), try([for id in settings.escalation_approvers : id], [])) : can(regex("^[UWS][A-Z0-9-]+$", approver))
    ]]))
    error_message = "approvers and escalation_approvers must be ids of users (U…, W…) or user groups (S…), not names."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for ids in [try([for id in settings.approvers : id], []), try([for id in settings.escalation_approvers : id], [])] : length(distinct(ids)) == length(ids)
    ]]))
    error_message = "approvers or escalation_approvers has the same id twice. Remove one: the same person can't approve twice."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : try(contains(range(1, 29), tonumber(settings.books_close_day)), false) if try(settings.books_close_day, null) != null])
    error_message = "books_close_day must be a whole number from 1 to 28, a day that every month has."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.two_approvals_above, null) == null || try(length(settings.approvers), 0) != 1 || try(startswith(settings.approvers[0], "S"), false)
    ])
    error_message = "two_approvals_above needs two approvers and the company has one, so bills above that amount could never be approved. Add another approver, or a user group."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+){1,2})$", settings.time_zone)) if try(settings.time_zone, null) != null])
    error_message = "time_zone must be UTC or a tz database name, such as Europe/Paris or America/New_York."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^([01]?[0-9]|2[0-3]):[0-5][0-9] *- *([01]?[0-9]|2[0-3]):[0-5][0-9]$", settings.quiet_hours)) if try(settings.quiet_hours, null) != null])
    error_message = "quiet_hours must be written HH:MM-HH:MM, such as 18:00-08:00."
  }
}
