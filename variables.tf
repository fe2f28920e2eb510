# What deployments differ by. Secrets are ephemeral: Terraform hands them to Secrets Manager and
# keeps them in neither its state nor its plans, so every plan and apply is given them anew.

# --- The deployment ---

variable "aws_region" {
  description = "AWS region of everything; Slack waits three seconds for an answer and is served from the United States, so the default is near it."
  type        = string
  default     = "us-west-2"
}

variable "environment" {
  description = "Ends every name, so that several deployments fit in one account. Only `prod` is protected against deletion."
  type        = string
  default     = "prod"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,15}$", var.environment))
    error_message = "environment ends the names of queues, buckets and functions: a lower-case letter, then at most 15 lower-case letters, digits or hyphens."
  }
}

variable "alert_email" {
  description = "Who is told when something needs a person. AWS first asks this address to confirm the subscription."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.alert_email))
    error_message = "alert_email must be one e-mail address, such as bills@example.com."
  }
}

variable "schedules_enabled" {
  description = "Whether the schedules run: false until the secrets are real and you have looked at what would be asked about, and again to pause. Without them nothing is read from Odoo and nothing that got stuck is sent on; clicks and approved bills are served all the same."
  type        = bool
  default     = true
  nullable    = false
}

variable "posting_enabled" {
  description = "Whether approved bills are posted. While false they wait in the queue, for 14 days at most, after which they are sent there again."
  type        = bool
  default     = true
  nullable    = false
}

variable "dashboard_enabled" {
  description = "Whether there is a dashboard. AWS gives an account three; a further one costs $3 a month."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "How long the functions' logs are kept. They hold ids and outcomes; the bills' own history is in the table."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of the periods CloudWatch offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "reserved_concurrency" {
  description = "How many runs of a function AWS sets aside for it, which also is its limit, by its name: extractor, notifier, approval_handler, poster. Left out: unreserved, since AWS refuses any where an account has only ten in all. 0 switches a function off; the poster has posting_enabled for that."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.reserved_concurrency), ["extractor", "notifier", "approval_handler", "poster"])) == 0
    error_message = "reserved_concurrency names what is no function: ${join(", ", setsubtract(keys(var.reserved_concurrency), ["extractor", "notifier", "approval_handler", "poster"]))}. There are extractor, notifier, approval_handler and poster."
  }
  validation {
    condition     = alltrue([for runs in values(var.reserved_concurrency) : runs == null ? true : runs >= 0 && floor(runs) == runs])
    error_message = "reserved_concurrency counts runs: whole numbers from 0."
  }
  validation {
    condition     = try(var.reserved_concurrency.poster != 0, true)
    error_message = "With a reserved_concurrency of 0 the poster's approvals would end as dead letters, for each time one is turned away counts as a try: set posting_enabled to false instead."
  }
}

variable "postings_at_once" {
  description = "How many companies' bills are posted at the same moment; one company's always follow each other. Two leave clicks their runs in an account that has only ten; more are of use from dozens of companies on, where the account has more."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.postings_at_once >= 2 && var.postings_at_once <= 1000 && floor(var.postings_at_once) == var.postings_at_once
    error_message = "postings_at_once is a whole number from 2 to 1000: AWS takes no other."
  }
}

variable "secrets_version" {
  description = "Raise it by one whenever a secret below changes: Terraform cannot compare what it does not keep. It also restarts the functions, which read secrets once."
  type        = number
  default     = 1

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "secrets_version is a whole number from 1."
  }
}

# --- Odoo ---

variable "odoo_api_url" {
  description = "Where Odoo is, such as https://example.odoo.com. There is no default, because credentials must not go to a stranger."
  type        = string

  validation {
    condition     = can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", var.odoo_api_url))
    error_message = "odoo_api_url must be an https address without credentials, query or fragment (http only on this machine)."
  }
}

variable "odoo_database" {
  description = "Odoo's database, which its API wants named."
  type        = string

  validation {
    condition     = length(trimspace(var.odoo_database)) > 0
    error_message = "odoo_database must not be empty."
  }
}

variable "odoo_username" {
  description = "The login of the Odoo user the extractor reads as; it needs to read bills of every company, and nothing else."
  type        = string

  validation {
    condition     = length(trimspace(var.odoo_username)) > 0
    error_message = "odoo_username must not be empty."
  }
}

variable "odoo_api_key" {
  description = "That user's API key."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(trimspace(var.odoo_api_key)) > 0
    error_message = "odoo_api_key must not be empty."
  }
}

variable "schedule_rate" {
  description = "How often Odoo is asked what changed. A run without changes is two calls."
  type        = string
  default     = "rate(15 minutes)"

  validation {
    condition     = can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(.+\\))$", var.schedule_rate))
    error_message = "schedule_rate is an EventBridge expression: rate(15 minutes), rate(1 hour) or cron(...)."
  }
}

variable "extract_since" {
  description = "The day of going live, as YYYY-MM-DD: nobody is asked about bills dated before it, which are in QuickBooks already."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", var.extract_since)) && can(formatdate("YYYY", "${var.extract_since}T00:00:00Z"))
    error_message = "extract_since must be a date that exists, written YYYY-MM-DD."
  }
}

variable "record_retention_days" {
  description = "How long finished bills and replaced documents are kept; seven years is what tax offices commonly ask."
  type        = number
  default     = 2555

  validation {
    condition     = var.record_retention_days >= 30 && floor(var.record_retention_days) == var.record_retention_days
    error_message = "record_retention_days counts days, at least 30: a record that is gone cannot keep its bill from being posted again."
  }
}

# --- Slack ---

variable "slack_channel_id" {
  description = "The channel for bills of companies that name none of their own: an id such as C0123456789, because names change."
  type        = string

  validation {
    condition     = can(regex("^[CG][A-Z0-9-]+$", var.slack_channel_id))
    error_message = "slack_channel_id must be a channel's id (C… or G…), not its name."
  }
}

variable "slack_bot_token" {
  description = "The bot token (xoxb-…) Slack shows after the app was installed."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = can(regex("^xoxb-\\S+$", var.slack_bot_token))
    error_message = "slack_bot_token must be a bot token: it starts with xoxb- and has no spaces."
  }
}

variable "slack_signing_secret" {
  description = "The app's signing secret, which tells Slack's clicks from forged ones."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(trimspace(var.slack_signing_secret)) > 0
    error_message = "slack_signing_secret must not be empty: anybody could sign with it."
  }
}

variable "slack_api_url" {
  description = "Where Slack's API is. Only a test or a recording proxy sets it."
  type        = string
  default     = "https://slack.com/api/"

  validation {
    condition     = can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", var.slack_api_url))
    error_message = "slack_api_url must be an https address without credentials, query or fragment (http only on this machine)."
  }
}

variable "slack_messages_per_second" {
  description = "How fast cards are posted to a channel. Slack promises one a second; only a stand-in for it takes more."
  type        = number
  default     = 1

  validation {
    condition     = var.slack_messages_per_second >= 0.2
    error_message = "slack_messages_per_second must be at least 0.2: at one message in more than five seconds the notifier would run out of time."
  }
}

variable "rejection_notify_users" {
  description = "Slack user ids told in the thread when a bill is rejected, such as whoever can correct it in Odoo."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for user in var.rejection_notify_users : can(regex("^[UW][A-Z0-9-]+$", user))])
    error_message = "rejection_notify_users are users' ids (U… or W…), not names."
  }
}

# --- QuickBooks ---

variable "qb_realm_ids" {
  description = "The companies: a key of ours to the id of its company (realm) in QuickBooks. Companies of Odoo that are not here are left alone."
  type        = map(string)

  validation {
    condition     = length(var.qb_realm_ids) > 0
    error_message = "qb_realm_ids needs at least one company."
  }
  validation {
    condition     = alltrue([for company in keys(var.qb_realm_ids) : can(regex("^[A-Za-z0-9_-]{1,100}$", company))])
    error_message = "A company's key in qb_realm_ids names files, secrets and the queue's groups: at most 100 letters, digits, _ and - only. Its name in Odoo goes to company_settings, as odoo_company."
  }
  validation {
    condition     = alltrue([for realm in values(var.qb_realm_ids) : can(regex("^[0-9]+$", realm))])
    error_message = "A realm id in qb_realm_ids is the number QuickBooks shows as Company ID, without spaces."
  }
  validation {
    condition     = length(distinct(values(var.qb_realm_ids))) == length(var.qb_realm_ids)
    error_message = "Two companies in qb_realm_ids have the same realm: their bills would be mixed in one company of QuickBooks."
  }
}

variable "qb_client_id" {
  description = "The client id of the app at developer.intuit.com."
  type        = string

  validation {
    condition     = length(trimspace(var.qb_client_id)) > 0
    error_message = "qb_client_id must not be empty."
  }
}

variable "qb_client_secret" {
  description = "The client secret of that app."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(trimspace(var.qb_client_secret)) > 0
    error_message = "qb_client_secret must not be empty."
  }
}

variable "qb_refresh_token" {
  description = "The first refresh token, if there is one company. With several, use qb_refresh_tokens."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.qb_refresh_token == "" || length(var.qb_realm_ids) == 1
    error_message = "qb_refresh_token serves one company, and qb_realm_ids names several: a token belongs to one company, so give each its own in qb_refresh_tokens."
  }
}

variable "qb_refresh_tokens" {
  description = "The first refresh token of each company, by its key in qb_realm_ids. The poster renews them from there; a new one here, with a higher secrets_version, takes over."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(setsubtract(keys(var.qb_refresh_tokens), keys(var.qb_realm_ids))) == 0
    error_message = "qb_refresh_tokens names a company that is not in qb_realm_ids."
  }
  validation {
    condition     = var.qb_refresh_token != "" || length(setsubtract(keys(var.qb_realm_ids), keys(var.qb_refresh_tokens))) == 0
    error_message = "Every company in qb_realm_ids needs its refresh token in qb_refresh_tokens; a single company may use qb_refresh_token."
  }
}

variable "qb_use_sandbox" {
  description = "Whether the realms are Intuit's sandbox companies, which live at another address."
  type        = bool
  default     = false
}

variable "quickbooks_calls_per_minute" {
  description = "How many calls a company is sent at most. Intuit's limit is 500 for all apps connected to it together: lower it if others need their part."
  type        = number
  default     = 500

  validation {
    condition     = var.quickbooks_calls_per_minute >= 30 && var.quickbooks_calls_per_minute <= 500
    error_message = "quickbooks_calls_per_minute must be 30 to 500: more is over Intuit's limit, and with fewer a bill would not be posted within the poster's time."
  }
}

variable "quickbooks_api_url" {
  description = "Where QuickBooks' API is, if neither Intuit's production nor its sandbox. Only a test or a recording proxy sets it."
  type        = string
  default     = null

  validation {
    condition     = var.quickbooks_api_url == null ? true : can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", var.quickbooks_api_url))
    error_message = "quickbooks_api_url must be an https address without credentials, query or fragment (http only on this machine)."
  }
}

variable "quickbooks_oauth_url" {
  description = "Where refresh tokens are exchanged. Only a test or a recording proxy sets it."
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
    What differs between companies, by key of qb_realm_ids; all of it optional.
    odoo_company: the company's name in Odoo, if it is not the key. slack_channel_id: its own channel.
    extract_since: its own day of going live, if it joined later (YYYY-MM-DD).
    approvers: ids of Slack users (U…, W…) and user groups (S…) who may decide; empty means every
    colleague in the channel. Guests and people of other workspaces never may.
    accounts, vendors, taxes, terms: Odoo's code or name to the name in QuickBooks, where they differ.
    default_account: for lines whose account has no match.
    payable_account: the accounts payable account, where QuickBooks has several.
    tax: outside the US, how to post a bill whose tax QuickBooks would round differently than Odoo:
    "override" (Odoo's tax), "quickbooks" (QuickBooks' own tax) or "lines" (the tax as lines); without
    it such a bill is blocked, with both figures.
    tax_on_lines: in the US, and where QuickBooks keeps no tax, true adds each tax to the lines it is of.
    country: two letters, where QuickBooks does not state the company's country.
    due_date: of a bill paid in instalments, "first_open" (default) or "last".
    class, department: QuickBooks' full names, set on every line and bill where they are tracked.
    books_close_day: the day of a month on which the month before is closed; a card warns five days before.
    intercompany_vendors: Odoo vendors whose bills are acknowledged, not posted.
    two_approvals_above: two people must approve above this total in the company's currency, and any
    bill whose exchange rate is far from the usual.
    reminder_hours, escalation_hours, escalation_approvers: when a bill that waits is brought up again
    in its card's thread, and who may then decide too. time_zone ("Europe/Paris"), quiet_hours
    ("18:00-08:00"): when not.
  EOT
  # Not an object: Terraform drops an attribute that an object type does not know, and with a
  # mistyped name the control it was to set. company_setting_names in company_settings.tf says the kinds.
  type     = any
  default  = {}
  nullable = false

  validation {
    condition     = can([for settings in values(var.company_settings) : keys(settings)])
    error_message = "company_settings is a map of companies, each { name = value, … }; a company without any is {} or left out."
  }
  validation {
    condition     = try(length(setsubtract(keys(var.company_settings), keys(var.qb_realm_ids))) == 0, true)
    error_message = "company_settings names a company that is not in qb_realm_ids: ${try(join(", ", setsubtract(keys(var.company_settings), keys(var.qb_realm_ids))), "")}."
  }
  validation {
    condition     = try(length(setsubtract(flatten([for settings in values(var.company_settings) : keys(settings)]), flatten(values(local.company_setting_names)))) == 0, true)
    error_message = "company_settings has no ${try(join(", ", setsubtract(flatten([for settings in values(var.company_settings) : keys(settings)]), flatten(values(local.company_setting_names)))), "")}: it would change nothing. There are ${join(", ", sort(flatten([for names in values(local.company_setting_names) : tolist(names)])))}."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.text : can(regex("^\\S(.*\\S)?$", settings[name])) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.text)} are text, not empty and without a space at an end."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.number : can(tonumber(settings[name])) && try(settings[name] >= 0, false) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.number)} are numbers that are not negative."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.bool : can(tobool(settings[name])) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.bool)} are true or false."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.tax, null) == null ? true : contains(["override", "quickbooks", "lines"], tostring(try(settings.tax, "")))
    ])
    error_message = "tax in company_settings is \"override\", \"quickbooks\" or \"lines\"; leave it out to have bills blocked whose tax QuickBooks would round differently."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.country, null) == null ? true : can(regex("^[A-Z]{2}$", tostring(settings.country)))
    ])
    error_message = "country in company_settings is two capital letters, like \"US\", \"GB\" or \"CA\"."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.due_date, null) == null ? true : contains(["first_open", "last"], tostring(try(settings.due_date, "")))
    ])
    error_message = "due_date in company_settings is \"first_open\" or \"last\"."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.list : can(tolist(settings[name])) && can([for one in settings[name] : tostring(one)]) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.list)} are lists of texts: [\"…\", \"…\"]."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for name in local.company_setting_names.map : can(keys(settings[name])) && can([for theirs in values(settings[name]) : tostring(theirs)]) if try(settings[name], null) != null
    ]]))
    error_message = "In company_settings ${join(", ", local.company_setting_names.map)} are maps from Odoo's name to QuickBooks': { \"…\" = \"…\" }."
  }
  validation {
    condition     = length(distinct([for company in keys(var.qb_realm_ids) : try(coalesce(var.company_settings[company].odoo_company), company)])) == length(var.qb_realm_ids)
    error_message = "Two companies have the same odoo_company: each bill would be theirs both."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^[CG][A-Z0-9-]+$", settings.slack_channel_id)) if try(settings.slack_channel_id, null) != null])
    error_message = "slack_channel_id in company_settings must be a channel's id (C… or G…), not its name."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", settings.extract_since)) && can(formatdate("YYYY", "${settings.extract_since}T00:00:00Z")) if try(settings.extract_since, null) != null])
    error_message = "extract_since in company_settings must be a date that exists, written YYYY-MM-DD."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for approver in concat(try([for id in settings.approvers : id], []), try([for id in settings.escalation_approvers : id], [])) : can(regex("^[UWS][A-Z0-9-]+$", approver))
    ]]))
    error_message = "approvers and escalation_approvers are ids of users (U…, W…) or user groups (S…), not names."
  }
  validation {
    condition = alltrue(flatten([for settings in try(values(var.company_settings), []) : [
      for ids in [try([for id in settings.approvers : id], []), try([for id in settings.escalation_approvers : id], [])] : length(distinct(ids)) == length(ids)
    ]]))
    error_message = "approvers and escalation_approvers name somebody twice: one person cannot approve for two."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : try(contains(range(1, 29), tonumber(settings.books_close_day)), false) if try(settings.books_close_day, null) != null])
    error_message = "books_close_day is a day that every month has, 1 to 28."
  }
  validation {
    condition = alltrue([for settings in try(values(var.company_settings), []) :
      try(settings.two_approvals_above, null) == null || try(length(settings.approvers), 0) != 1 || try(startswith(settings.approvers[0], "S"), false)
    ])
    error_message = "two_approvals_above needs two people: the company has one approver, so a bill above it could never be approved. Name another one, or a user group."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^(UTC|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+){1,2})$", settings.time_zone)) if try(settings.time_zone, null) != null])
    error_message = "time_zone is UTC, or an area and a city of the tz database such as Europe/Paris or America/New_York."
  }
  validation {
    condition     = alltrue([for settings in try(values(var.company_settings), []) : can(regex("^([01]?[0-9]|2[0-3]):[0-5][0-9] *- *([01]?[0-9]|2[0-3]):[0-5][0-9]$", settings.quiet_hours)) if try(settings.quiet_hours, null) != null])
    error_message = "quiet_hours are written HH:MM-HH:MM, such as 18:00-08:00."
  }
}
