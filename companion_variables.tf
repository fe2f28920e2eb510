# The inputs of what stands beside the flow of vendor bills. Each part is off until its variable turns it
# on, and costs nothing while it is off.

# --- The mirror ---

variable "mirror_enabled" {
  description = "Whether to keep a copy of Odoo's contacts, invoices, bills, payments, orders and accounts in a table of its own, brought up to date every minute."
  type        = bool
  default     = false
  nullable    = false
}

variable "mirror_rate" {
  description = "How often to bring the mirror up to date. A run that finds nothing new makes one call per kind of record."
  type        = string
  default     = "rate(1 minute)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(.+\\))$", var.mirror_rate))
    error_message = "mirror_rate must be an EventBridge expression, such as rate(1 minute), rate(1 hour) or cron(...)."
  }
}

variable "erp_connections" {
  description = <<-EOT
    What to mirror beside the flow's own Odoo, by a key you choose, such as ledger. Each has:
    type: "odoo" or "salesforce".
    Of an Odoo: url, database, username: as odoo_api_url, odoo_database and odoo_username.
    auth: "api_key", or "session" for an Odoo plan without the external API: the credential is then the
    user's password.
    companies: names or ids of the companies to mirror. Without it, all that the user sees are.
    Of a Salesforce: url is the org's My Domain, such as https://example.my.salesforce.com.
    client_id: the consumer key of an external client app with the client credentials flow.
    mapping: the custom objects that invoices and payments are read from, and other fields than the usual
    ones; docs/salesforce.md has an example. Without it, accounts and opportunities are mirrored.
  EOT
  # Not an object type: Terraform silently drops attributes that it doesn't list, so with a mistyped
  # companies every company would be mirrored.
  type     = any
  default  = {}
  nullable = false

  validation {
    condition     = can([for connection in values(var.erp_connections) : keys(connection)])
    error_message = "erp_connections must be a map of connections, each { type = \"odoo\", url = \"…\", … }."
  }
  validation {
    condition     = alltrue([for id in try(keys(var.erp_connections), []) : can(regex("^[a-z][a-z0-9_-]{0,30}$", id))])
    error_message = "A key in erp_connections is part of names and records: use a lower-case letter, then up to 30 lower-case letters, digits, _ or -."
  }
  validation {
    condition     = !contains(try(keys(var.erp_connections), []), "odoo")
    error_message = "The key odoo in erp_connections is taken: it is the Odoo of odoo_api_url, which is always mirrored. Choose another key."
  }
  validation {
    condition     = try(length(setsubtract(flatten([for connection in values(var.erp_connections) : keys(connection)]), ["type", "url", "database", "username", "auth", "companies", "client_id", "mapping"])) == 0, true)
    error_message = "erp_connections has unknown names: ${try(join(", ", setsubtract(flatten([for connection in values(var.erp_connections) : keys(connection)]), ["type", "url", "database", "username", "auth", "companies", "client_id", "mapping"])), "")}. Use type, url, database, username, auth, companies, client_id or mapping."
  }
  validation {
    condition     = alltrue([for connection in try(values(var.erp_connections), []) : try(contains(["odoo", "salesforce"], connection.type), false)])
    error_message = "In erp_connections type must be \"odoo\" or \"salesforce\": other systems can't be mirrored."
  }
  validation {
    condition     = alltrue([for connection in try(values(var.erp_connections), []) : length(setintersection(keys(connection), try(connection.type, "") == "salesforce" ? ["database", "username", "auth", "companies"] : ["client_id", "mapping"])) == 0])
    error_message = "In erp_connections client_id and mapping are Salesforce's, and database, username, auth and companies are Odoo's. Remove what belongs to the other."
  }
  validation {
    condition     = alltrue([for connection in try(values(var.erp_connections), []) : can(regex("^\\S+$", connection.client_id)) if try(connection.type, "") == "salesforce"])
    error_message = "In erp_connections a Salesforce needs the client_id of its external client app. Its username-password flow ends on 20 February 2027 and can't be used."
  }
  validation {
    condition     = alltrue([for connection in try(values(var.erp_connections), []) : try(length(setsubtract(keys(connection.mapping), ["contact", "move", "payment", "order"])) == 0 && alltrue([for kind in values(connection.mapping) : length(setsubtract(keys(kind), ["object", "fields"])) == 0]), false) if try(connection.mapping, null) != null])
    error_message = "In erp_connections mapping must be a map of contact, move, payment or order, each { object = \"…\", fields = { … } }."
  }
  validation {
    condition     = alltrue([for connection in try(values(var.erp_connections), []) : can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#@\\s]*)?$", connection.url))])
    error_message = "In erp_connections url must be an https address without credentials, query or fragment (http only on this machine)."
  }
  validation {
    condition     = alltrue(flatten([for connection in try(values(var.erp_connections), []) : [for name in ["database", "username"] : can(regex("^\\S(.*\\S)?$", connection[name]))] if try(connection.type, "") != "salesforce"]))
    error_message = "In erp_connections each Odoo needs a database and a username, without spaces around them."
  }
  validation {
    condition     = alltrue([for connection in try(values(var.erp_connections), []) : try(contains(["api_key", "session"], connection.auth), false) if try(connection.type, "") != "salesforce"])
    error_message = "In erp_connections auth must be \"api_key\", or \"session\" to sign in with the user's password."
  }
  validation {
    condition     = alltrue([for connection in try(values(var.erp_connections), []) : try(length(connection.companies) > 0 && alltrue([for company in connection.companies : can(regex("^\\S(.*\\S)?$", company))]), false) if try(connection.companies, null) != null])
    error_message = "In erp_connections companies must be a list of names or ids: [\"…\", \"…\"]. To mirror all companies, leave it out."
  }
  validation {
    # As Lambda measures the 4 kB of an environment: in bytes of its JSON, where this is a text with escaped
    # quotation marks. 4,000 characters of base64 are 3,000 bytes.
    # https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594
    condition     = length(base64encode(jsonencode(jsonencode(var.erp_connections)))) <= 4000
    error_message = "erp_connections is longer than a function's environment can hold: 3,000 characters as JSON, with quotation marks and accented letters counted twice. Shorten it, or mirror fewer systems."
  }
}

variable "erp_credentials" {
  description = "API key of each connection in erp_connections, with auth = \"session\" the password, or a Salesforce's client secret, by the connection's key. After changing one, raise secrets_version."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(setsubtract(keys(var.erp_credentials), try(keys(var.erp_connections), []))) == 0
    error_message = "erp_credentials has a connection that isn't in erp_connections. Remove it, or add the connection there."
  }
  validation {
    condition     = length(setsubtract(try(keys(var.erp_connections), []), keys(var.erp_credentials))) == 0
    error_message = "A connection in erp_connections has no credential. Add its API key, password or client secret to erp_credentials."
  }
  validation {
    condition     = alltrue([for credential in values(var.erp_credentials) : try(length(trimspace(credential)) > 0, false)])
    error_message = "A credential in erp_credentials is empty. Enter the API key, password or client secret."
  }
}

variable "allowed_private_networks" {
  description = "Private networks in which a mirrored system may be, such as 10.20.0.0/16. Normally none: connections are then made to public addresses only, so that a wrong or hijacked name can't reach into your network."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for network in var.allowed_private_networks : try(cidrsubnet(network, 0, 0) == network && tonumber(split("/", network)[1]) >= 8, false)])
    error_message = "allowed_private_networks must be networks such as 10.20.0.0/16: no wider than /8, and the address must be the network's first."
  }
  validation {
    condition     = length(var.allowed_private_networks) <= 10
    error_message = "allowed_private_networks may have up to 10 networks, for lack of space in a function's environment. Give wider ones."
  }
}

# --- The webhook ---

variable "webhook_url" {
  description = "The https address to which each change of the mirror is sent, signed. Empty: no webhook. It is no secret: what it says in its query stands in plans and in the function's settings."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.webhook_url == "" || can(regex("^(https://[^/?#@\\s]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^?#\\s]*)?(\\?[^#\\s]*)?$", var.webhook_url))
    error_message = "webhook_url must be an https address without credentials or fragment (http only on this machine)."
  }
  validation {
    condition     = try(tonumber(regex("^https?://[^/?]*:([0-9]+)(?:[/?].*)?$", var.webhook_url)[0]) == 443 || tonumber(regex("^https?://[^/?]*:([0-9]+)(?:[/?].*)?$", var.webhook_url)[0]) >= 1024, true)
    error_message = "webhook_url must have port 443, or one from 1024 on: the others belong to other services, such as mail."
  }
  validation {
    condition     = var.webhook_url == "" || var.mirror_enabled
    error_message = "webhook_url needs mirror_enabled = true: what the webhook sends are the mirror's changes."
  }
}

variable "webhook_secret" {
  description = "What signs the webhook's requests: whsec_ and 24 to 64 random bytes in base64. docs/operators.md has a line that makes one. After changing it, raise secrets_version."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.webhook_url == "" || can(regex("^whsec_(?:(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==)?|(?:[A-Za-z0-9+/]{4}){8,20}[A-Za-z0-9+/]{3}=)$", var.webhook_secret))
    error_message = "webhook_secret must be whsec_ followed by 24 to 64 random bytes in base64, the = at its end included."
  }
}

variable "webhook_previous_secret" {
  description = "While the secret is rotated, the one before: each request then carries both signatures. Empty otherwise."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = var.webhook_previous_secret == "" || can(regex("^whsec_(?:(?:[A-Za-z0-9+/]{4}){8,21}(?:[A-Za-z0-9+/]{2}==)?|(?:[A-Za-z0-9+/]{4}){8,20}[A-Za-z0-9+/]{3}=)$", var.webhook_previous_secret))
    error_message = "webhook_previous_secret must be empty, or whsec_ followed by 24 to 64 random bytes in base64, the = at its end included."
  }
  validation {
    condition     = var.webhook_previous_secret == "" || var.webhook_previous_secret != var.webhook_secret
    error_message = "webhook_previous_secret is the same as webhook_secret. Give the secret that was used before, or leave it empty."
  }
}

variable "webhook_kinds" {
  description = "The kinds of records whose changes are sent: move (invoices, bills and refunds), payment, contact, order, account."
  type        = list(string)
  default     = ["move", "payment"]
  nullable    = false

  validation {
    condition     = length(var.webhook_kinds) > 0 && length(setsubtract(var.webhook_kinds, ["move", "payment", "contact", "order", "account"])) == 0
    error_message = "webhook_kinds must name at least one of move, payment, contact, order and account. For no webhook, leave webhook_url empty."
  }
}

variable "webhook_first_load" {
  description = "Whether what the mirror loads for the first time is sent as well. Normally only later changes are."
  type        = bool
  default     = false
  nullable    = false
}

# --- The API ---

variable "api_enabled" {
  description = "Whether to serve what is mirrored over HTTPS to clients with a token, who may also schedule the mirror's tasks. Needs the mirror."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.api_enabled || var.mirror_enabled
    error_message = "The API serves what is mirrored: set mirror_enabled = true as well."
  }
}

variable "api_tokens" {
  description = "The tokens of the API's clients by a name for each, such as { reporting = \"…\" }. The name appears in logs. Make a token with: python3 -c \"import secrets; print(secrets.token_urlsafe(32))\". Only a hash of it is stored. After changing one, raise secrets_version."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = alltrue([for name in keys(var.api_tokens) : can(regex("^[a-z][a-z0-9_-]{0,30}$", name))])
    error_message = "A name in api_tokens must be a lower-case letter, then up to 30 lower-case letters, digits, _ or -."
  }
  validation {
    condition     = alltrue([for token in values(var.api_tokens) : can(regex("^[A-Za-z0-9._~+/=-]{32,400}$", token))])
    error_message = "A token in api_tokens is too easy to guess, or can't be sent in a header: use at least 32 letters, digits and ._~+/=-, made at random."
  }
  validation {
    condition     = length(distinct(values(var.api_tokens))) == length(var.api_tokens)
    error_message = "Two names in api_tokens have the same token. Make one for each, so that each can be removed."
  }
  validation {
    condition     = length(var.api_tokens) <= 100 && (length(var.api_tokens) > 0 || !var.api_enabled)
    error_message = "api_tokens needs 1 to 100 tokens: without one the API answers nobody."
  }
}

variable "api_previous_tokens" {
  description = "Tokens that were replaced and are still to be accepted, by name, until their clients have the new ones. Then remove them and raise secrets_version."
  type        = map(string)
  default     = {}
  nullable    = false
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = length(setsubtract(keys(var.api_previous_tokens), keys(var.api_tokens))) == 0
    error_message = "api_previous_tokens has a name that isn't in api_tokens. Remove it: a client that was removed is not to be let in."
  }
  validation {
    condition     = alltrue([for token in values(var.api_previous_tokens) : can(regex("^[A-Za-z0-9._~+/=-]{32,400}$", token))])
    error_message = "A token in api_previous_tokens can't have been one: tokens have at least 32 letters, digits and ._~+/=-."
  }
  validation {
    condition     = length(setintersection(values(var.api_previous_tokens), values(var.api_tokens))) == 0
    error_message = "A token in api_previous_tokens is still one of api_tokens, so it was not replaced. Put a new one into api_tokens, or remove it from api_previous_tokens."
  }
}

variable "api_domain" {
  description = "A domain of yours for the API, such as odoo-api.example.com. Without it the API has an address of API Gateway; with it, only this one."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63})?$", var.api_domain))
    error_message = "api_domain must be a domain in lower case, such as odoo-api.example.com, without https:// and path."
  }
}

variable "api_certificate_arn" {
  description = "The certificate for api_domain: its ARN in AWS Certificate Manager, in the region of this deployment."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = (var.api_certificate_arn == "") == (var.api_domain == "")
    error_message = "api_domain and api_certificate_arn belong together: set both, or neither."
  }
  validation {
    condition     = var.api_certificate_arn == "" || can(regex("^arn:aws[a-z-]*:acm:${var.aws_region}:[0-9]{12}:certificate/[0-9a-f-]+$", var.api_certificate_arn))
    error_message = "api_certificate_arn must be the ARN of a certificate in AWS Certificate Manager, in the region aws_region."
  }
}

variable "api_allowed_origins" {
  description = "Websites whose pages may call the API from a browser, such as https://reports.example.com. Normally none. A page that does needs a token, which everyone who uses that page can read."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for origin in var.api_allowed_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "api_allowed_origins must be origins such as https://reports.example.com: https, in lower case, without a path. No * for all."
  }
}

variable "api_throttle_rate" {
  description = "How many requests a second the API takes, of all clients together. More are answered with 429."
  type        = number
  default     = 20
  nullable    = false

  validation {
    condition     = var.api_throttle_rate >= 1 && var.api_throttle_rate <= 1000
    error_message = "api_throttle_rate must be from 1 to 1000 requests a second."
  }
}

variable "api_throttle_burst" {
  description = "How many requests the API takes at once before api_throttle_rate counts."
  type        = number
  default     = 40
  nullable    = false

  validation {
    condition     = var.api_throttle_burst >= 1 && var.api_throttle_burst <= 2000 && floor(var.api_throttle_burst) == var.api_throttle_burst
    error_message = "api_throttle_burst must be a whole number from 1 to 2000."
  }
}

# --- The intake ---

variable "intake_enabled" {
  description = "Whether to take in invoices by a state machine, which validates each, stores it once under the next number and announces what became of it."
  type        = bool
  default     = false
  nullable    = false
}

variable "intake_time_zone" {
  description = "Time zone that says which day and which year it is: a due date must be after today, and numbers begin anew with the year. For example Europe/Paris."
  type        = string
  default     = "UTC"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$", var.intake_time_zone))
    error_message = "intake_time_zone must be a time zone such as UTC or Europe/Paris."
  }
}

variable "intake_maximum_amount" {
  description = "Largest amount of an invoice that is taken in. One over it is reported as invalid."
  type        = number
  default     = 1000000
  nullable    = false

  validation {
    condition     = var.intake_maximum_amount > 0 && var.intake_maximum_amount < 1000000000000 && floor(var.intake_maximum_amount * 100) == var.intake_maximum_amount * 100
    error_message = "intake_maximum_amount must be more than 0 and less than 1,000,000,000,000, with up to two decimals."
  }
}

variable "intake_slack_channel_id" {
  description = "Channel in which the outcome of each invoice is announced; without it, none is. Use its id, such as C0123456789, and invite the app."
  type        = string
  default     = null

  validation {
    condition     = var.intake_slack_channel_id == null || can(regex("^[CG][A-Z0-9-]+$", var.intake_slack_channel_id))
    error_message = "intake_slack_channel_id must be a channel id (C… or G…), not a name."
  }
}

variable "intake_mails_customers" {
  description = "Whether the customer of a stored invoice gets an e-mail with its number, if the invoice names an address. It needs intake_sender."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.intake_mails_customers || var.intake_sender != null
    error_message = "intake_mails_customers needs intake_sender: the address from which customers get their e-mails."
  }
}

variable "intake_sender" {
  description = "Address that the e-mails to customers come from. Verify it, or its domain, in SES, and have AWS take the account out of SES's sandbox."
  type        = string
  default     = null

  validation {
    condition     = var.intake_sender == null || can(regex("^[^@\\s<>]+@([a-z0-9-]+\\.)+[a-z]{2,}$", var.intake_sender))
    error_message = "intake_sender must be an e-mail address, such as billing@example.com."
  }
}
