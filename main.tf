# Vendor bills leave Odoo, are approved in Slack and posted to QuickBooks Online.
# This file follows a bill: what the functions are, secrets, storage, schedules, the card in Slack,
# the click, the queue, the posting. permissions.tf says what each function may do, alarms.tf who
# hears of what went wrong.

terraform {
  required_version = ">= 1.11" # write-only arguments

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = {
      Application = "odoo-qb"
      Environment = var.environment
    }
  }
}

data "aws_caller_identity" "current" {}

# --- Names, and what several parts agree on ---

locals {
  in_production = var.environment == "prod"

  names = {
    extractor        = "odoo-extractor-${var.environment}"
    notifier         = "odoo-notifier-${var.environment}"
    approval_handler = "odoo-approval-handler-${var.environment}"
    poster           = "odoo-poster-${var.environment}"
  }

  # The approved queue hides a message for six runs of the poster, so both need the number.
  poster_timeout_seconds = 120
  fourteen_days          = 14 * 24 * 60 * 60

  # Of this deployment alone: another in the same account must not count for it.
  metric_namespace = "OdooQuickBooks/${var.environment}"

  qb_production_url  = "https://quickbooks.api.intuit.com"
  qb_sandbox_url     = "https://sandbox-quickbooks.api.intuit.com"
  quickbooks_api_url = coalesce(var.quickbooks_api_url, var.qb_use_sandbox ? local.qb_sandbox_url : local.qb_production_url)
}

# --- The companies, as the functions read them ---

locals {
  # What company_settings may hold, by kind; variables.tf says what each is for.
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

# In a table, because a function's environment holds no more than 4 kB, and in one of their own, which
# no function may write: who may decide, and above which amount it takes two, is Terraform's to say.
resource "aws_dynamodb_table" "settings" {
  #checkov:skip=CKV_AWS_119: why no key of ours is said at the secrets
  name                        = "odoo-qb-settings-${var.environment}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "entry_id" # as in the bills' table, where the item was in 1.0
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

resource "aws_dynamodb_table_item" "settings" {
  table_name = aws_dynamodb_table.settings.name
  hash_key   = aws_dynamodb_table.settings.hash_key
  item = jsonencode({
    entry_id  = { S = "settings" }
    companies = { S = jsonencode(local.companies) }
  })

  lifecycle {
    # A deployment of 1.0 has the item among the bills. It is deleted there last, once every function
    # reads the new one: a function that starts in between would find none.
    create_before_destroy = true
  }
}

# --- What each function is ---
#
# permissions.tf says what each may do. The approval handler stands beside the map: the notifier's
# environment holds its address, and one resource for all four would wait for itself.
#
# No code reads ENVIRONMENT, nor the notifier's APPROVAL_URL and S3_BUCKET: they are agreed names, by
# which whoever looks at a function finds what belongs to it.

locals {
  functions = {
    extractor = {
      description    = "Reads bills and their documents from Odoo; looks after what got stuck"
      timeout        = 300
      memory         = 512
      log_group_name = aws_cloudwatch_log_group.function["extractor"].name
      environment = {
        ODOO_API_URL    = var.odoo_api_url
        ODOO_SECRET_ARN = aws_secretsmanager_secret.given["odoo-credentials"].arn
        S3_BUCKET       = aws_s3_bucket.documents.bucket
        SNS_ALERT_TOPIC = aws_sns_topic.alerts.arn
        SQS_QUEUE_URL   = aws_sqs_queue.approved.url
        EXTRACT_SINCE   = var.extract_since
      }
    }
    notifier = {
      description    = "Makes the cards in Slack match the table"
      timeout        = 60
      memory         = 256
      log_group_name = aws_cloudwatch_log_group.function["notifier"].name
      environment = {
        SLACK_SECRET_ARN          = aws_secretsmanager_secret.given["slack-config"].arn
        SLACK_CHANNEL_ID          = var.slack_channel_id
        SLACK_API_URL             = var.slack_api_url
        S3_BUCKET                 = aws_s3_bucket.documents.bucket
        APPROVAL_URL              = aws_lambda_function_url.approval_handler.function_url
        REJECTION_NOTIFY_USERS    = join(",", var.rejection_notify_users)
        SLACK_MESSAGES_PER_SECOND = tostring(var.slack_messages_per_second)
      }
    }
    poster = {
      description    = "Posts approved bills to QuickBooks, each once"
      timeout        = local.poster_timeout_seconds
      memory         = 256
      log_group_name = aws_cloudwatch_log_group.function["poster"].name
      environment = {
        QB_SECRET_ARN          = aws_secretsmanager_secret.given["quickbooks-credentials"].arn
        QB_TOKEN_SECRET_PREFIX = local.quickbooks_token_prefix
        QB_API_URL             = local.quickbooks_api_url
        QB_OAUTH_URL           = var.quickbooks_oauth_url
        QB_CALLS_PER_MINUTE    = tostring(var.quickbooks_calls_per_minute)
        S3_BUCKET              = aws_s3_bucket.documents.bucket
        SNS_ALERT_TOPIC        = aws_sns_topic.alerts.arn
        SQS_QUEUE_URL          = aws_sqs_queue.approved.url
      }
    }
  }

  # What every function is told. The two versions restart a function that has read the old values,
  # and are taken from what is stored: a function must not start again before the new ones are there.
  common_environment = {
    ENVIRONMENT    = var.environment
    DYNAMODB_TABLE = aws_dynamodb_table.bills.name
    SECRETS_VERSION = tostring(max(
      aws_secretsmanager_secret_version.odoo.secret_string_wo_version,
      aws_secretsmanager_secret_version.slack.secret_string_wo_version,
      aws_secretsmanager_secret_version.quickbooks.secret_string_wo_version,
    ))
    SETTINGS_TABLE               = aws_dynamodb_table_item.settings.table_name
    SETTINGS_VERSION             = substr(sha256(aws_dynamodb_table_item.settings.item), 0, 12)
    RECORD_RETENTION_DAYS        = tostring(var.record_retention_days)
    POWERTOOLS_METRICS_NAMESPACE = local.metric_namespace
  }
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_50: the logs follow a bill by its entry_id, and X-Ray wants rights on every resource
  #checkov:skip=CKV_AWS_116: what fails is kept by the event invoke config, the stream mapping and the queue
  #checkov:skip=CKV_AWS_117: everything it talks to is on the internet; a VPC would add a NAT gateway for $32 a month
  #checkov:skip=CKV_AWS_173: nothing in the environment is secret, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh made; there is no third party to sign for
  for_each = local.functions

  function_name                  = local.names[each.key]
  description                    = each.value.description
  role                           = aws_iam_role.function[each.key].arn
  handler                        = "${each.key}.lambda_handler"
  filename                       = "${path.module}/lambda/${each.key}.zip"
  source_code_hash               = try(filebase64sha256("${path.module}/lambda/${each.key}.zip"), null)
  runtime                        = "python3.12"
  architectures                  = ["arm64"] # a fifth cheaper, and the zips are pure Python
  timeout                        = each.value.timeout
  memory_size                    = each.value.memory
  reserved_concurrent_executions = lookup(var.reserved_concurrency, each.key, null)

  environment {
    variables = merge(local.common_environment, each.value.environment, { POWERTOOLS_SERVICE_NAME = each.key })
  }

  logging_config {
    log_format = "Text" # Powertools writes each event as JSON itself
    log_group  = each.value.log_group_name
  }

  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/lambda/${each.key}.zip")
      error_message = "lambda/${each.key}.zip is not there yet: run ./build.sh first."
    }
  }

  depends_on = [aws_iam_role_policy.function] # it must not start on what its role may not yet read
}

resource "aws_lambda_function" "approval_handler" {
  #checkov:skip=CKV_AWS_50: the logs follow a bill by its entry_id, and X-Ray wants rights on every resource
  #checkov:skip=CKV_AWS_116: it is called synchronously, so its caller is told
  #checkov:skip=CKV_AWS_117: everything it talks to is on the internet; a VPC would add a NAT gateway for $32 a month
  #checkov:skip=CKV_AWS_173: nothing in the environment is secret, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh made; there is no third party to sign for
  function_name                  = local.names.approval_handler
  description                    = "Takes the decisions people click in Slack"
  role                           = aws_iam_role.function["approval_handler"].arn
  handler                        = "approval_handler.lambda_handler"
  filename                       = "${path.module}/lambda/approval_handler.zip"
  source_code_hash               = try(filebase64sha256("${path.module}/lambda/approval_handler.zip"), null)
  runtime                        = "python3.12"
  architectures                  = ["arm64"]
  timeout                        = 30
  memory_size                    = 512
  reserved_concurrent_executions = lookup(var.reserved_concurrency, "approval_handler", null)

  environment {
    variables = merge(local.common_environment, {
      POWERTOOLS_SERVICE_NAME = "approval_handler"
      SQS_QUEUE_URL           = aws_sqs_queue.approved.url
      SLACK_SECRET_ARN        = aws_secretsmanager_secret.given["slack-config"].arn
      SLACK_API_URL           = var.slack_api_url
      SLACK_CHANNEL_ID        = var.slack_channel_id
      S3_BUCKET               = aws_s3_bucket.documents.bucket
    })
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.function["approval_handler"].name
  }

  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/lambda/approval_handler.zip")
      error_message = "lambda/approval_handler.zip is not there yet: run ./build.sh first."
    }
  }

  depends_on = [aws_iam_role_policy.function] # it must not start on what its role may not yet read
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; why no key of ours is said at the secrets
  for_each = local.names

  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_retention_days
}

# --- Secrets ---
#
# Here and below the keys are AWS's own (aws/secretsmanager, aws/dynamodb, SSE-S3, SSE-SQS). A key of
# ours would cost a dollar a month and add one thing: its policy could refuse somebody who may
# already read the secret. Who can give himself the one right can give himself the other, and a key
# that is deleted or locked takes the books' evidence with it.

locals {
  quickbooks_token_prefix = "odoo-qb-integration/quickbooks-token-${var.environment}/"

  given_secrets = {
    odoo-credentials       = "How the extractor signs in to Odoo"
    slack-config           = "The Slack app's bot token and signing secret"
    quickbooks-credentials = "The Intuit app, and the first refresh token of each company"
  }
}

resource "aws_secretsmanager_secret" "given" {
  #checkov:skip=CKV_AWS_149: why no key of ours is said above
  #checkov:skip=CKV2_AWS_57: the vendors issue these by hand; secrets_version rolls them
  for_each = local.given_secrets

  name                    = "odoo-qb-integration/${each.key}-${var.environment}"
  description             = each.value
  recovery_window_in_days = local.in_production ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "odoo" {
  secret_id                = aws_secretsmanager_secret.given["odoo-credentials"].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    database = var.odoo_database
    username = var.odoo_username
    api_key  = var.odoo_api_key
  })
}

resource "aws_secretsmanager_secret_version" "slack" {
  secret_id                = aws_secretsmanager_secret.given["slack-config"].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    bot_token      = var.slack_bot_token
    signing_secret = var.slack_signing_secret
  })
}

resource "aws_secretsmanager_secret_version" "quickbooks" {
  secret_id                = aws_secretsmanager_secret.given["quickbooks-credentials"].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    client_id     = var.qb_client_id
    client_secret = var.qb_client_secret
    refresh_tokens = merge(
      var.qb_refresh_token == "" ? {} : { for company in keys(var.qb_realm_ids) : company => var.qb_refresh_token },
      var.qb_refresh_tokens,
    )
  })
}

# Made empty: the poster keeps each company's renewed tokens there, and Terraform never looks in.
resource "aws_secretsmanager_secret" "quickbooks_token" {
  #checkov:skip=CKV_AWS_149: why no key of ours is said above
  #checkov:skip=CKV2_AWS_57: the poster renews it, hourly while it works and daily at least
  for_each = var.qb_realm_ids

  name                    = "${local.quickbooks_token_prefix}${each.key}"
  description             = "The current QuickBooks tokens of ${each.key}, written by the poster alone"
  recovery_window_in_days = local.in_production ? 30 : 0
}

# --- Storage: the documents ---

resource "aws_s3_bucket" "documents" {
  #checkov:skip=CKV_AWS_18: the handler logs who looked at a document; access logs would need a bucket of their own
  #checkov:skip=CKV_AWS_144: Odoo has every document, and this bucket their approved versions
  #checkov:skip=CKV_AWS_145: why no key of ours is said at the secrets
  #checkov:skip=CKV2_AWS_62: nothing waits for a document
  bucket        = "odoo-qb-invoices-${var.environment}-${data.aws_caller_identity.current.account_id}-${var.aws_region}"
  force_destroy = !local.in_production
}

# A version names the bytes that were approved, whatever is stored under the same key later.
resource "aws_s3_bucket_versioning" "documents" {
  bucket = aws_s3_bucket.documents.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "documents" {
  bucket = aws_s3_bucket.documents.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "documents" {
  bucket                  = aws_s3_bucket.documents.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "documents" {
  bucket = aws_s3_bucket.documents.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.documents.arn, "${aws_s3_bucket.documents.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.documents] # two changes of one bucket collide
}

resource "aws_s3_bucket_lifecycle_configuration" "documents" {
  bucket = aws_s3_bucket.documents.id

  rule {
    id     = "abort-unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "expire-replaced-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.record_retention_days
    }
  }

  # Read anew every hour, and no bill points to an earlier version; the shorter of two rules counts.
  rule {
    id     = "expire-replaced-reference"
    status = "Enabled"
    filter {
      prefix = "reference/"
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  depends_on = [aws_s3_bucket_versioning.documents]
}

# --- Storage: the bills ---

resource "aws_dynamodb_table" "bills" {
  #checkov:skip=CKV_AWS_119: why no key of ours is said at the secrets
  name                        = "odoo-qb-invoices-${var.environment}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "entry_id"
  deletion_protection_enabled = local.in_production
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "entry_id"
    type = "S"
  }
  attribute {
    name = "status"
    type = "S"
  }
  attribute {
    name = "updated_at"
    type = "S"
  }
  attribute {
    name = "company"
    type = "S"
  }

  global_secondary_index {
    name            = "status-index"
    hash_key        = "status"
    range_key       = "updated_at"
    projection_type = "KEYS_ONLY"
  }
  global_secondary_index {
    name            = "company-status-index"
    hash_key        = "company"
    range_key       = "status"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled = true
  }
}

# --- On a schedule: read Odoo, learn QuickBooks' lists, look after the connections ---

# No dead-letter queue stands behind the schedules: a run that was never begun, because EventBridge
# could not call or the function was throttled, is made up for by the next, and alarms.tf tells of
# three that are missing. A run that began and failed twice is kept.

locals {
  schedules = {
    extract           = { function = "extractor", rate = var.schedule_rate, input = {}, description = "Bills that changed in Odoo" }
    extract-all       = { function = "extractor", rate = "rate(1 day)", input = { full = true }, description = "All bills, to find what the changes did not show" }
    sync-reference    = { function = "poster", rate = "rate(1 hour)", input = { action = "sync_reference" }, description = "QuickBooks' accounts, vendors, tax codes and terms" }
    export-month      = { function = "extractor", rate = "cron(0 5 1 * ? *)", input = { export = "last" }, description = "The month that ended, written for the auditor" }
    check-connections = { function = "poster", rate = "rate(1 day)", input = { action = "check_connections" }, description = "Whether each company can still be reached" }
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = local.schedules

  name                = "odoo-qb-${each.key}-${var.environment}"
  description         = each.value.description
  schedule_expression = each.value.rate
  state               = var.schedules_enabled ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = local.schedules

  rule  = aws_cloudwatch_event_rule.schedule[each.key].name
  arn   = aws_lambda_function.function[each.value.function].arn
  input = jsonencode(each.value.input)
}

resource "aws_lambda_permission" "schedule" {
  for_each = local.schedules

  statement_id  = "Schedule-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function[each.value.function].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}

# A run that fails twice is reported; the next one reads what it left.
resource "aws_lambda_function_event_invoke_config" "extractor" {
  function_name                = aws_lambda_function.function["extractor"].function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failures["extractor"].arn
    }
  }

  depends_on = [aws_iam_role_policy.function] # AWS checks that the role may send there
}

# --- The card in Slack: from the table's stream to the notifier ---

resource "aws_lambda_event_source_mapping" "notifier" {
  event_source_arn                   = aws_dynamodb_table.bills.stream_arn
  function_name                      = aws_lambda_function.function["notifier"].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 20 # at Slack's one message a second, within the timeout
  maximum_batching_window_in_seconds = 1
  parallelization_factor             = 1 # a run for each shard of the stream is more than Slack takes
  maximum_retry_attempts             = 5
  maximum_record_age_in_seconds      = 86400
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]

  # Only what the card still owes: the notifier's own bookkeeping removes card_due.
  filter_criteria {
    filter {
      pattern = jsonencode({ dynamodb = { NewImage = { card_due = { N = [{ exists = true }] } } } })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.failures["notifier"].arn
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

# What neither function could do after its retries: the extractor's run, the notifier's records.
resource "aws_sqs_queue" "failures" {
  for_each = toset(["extractor", "notifier"])

  name                      = "odoo-${each.key}-failures-${var.environment}"
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}

# --- The click: Slack calls the approval handler ---

# Slack cannot sign as AWS wants, so anybody may call, and the handler checks Slack's signature.
# With NONE this resource also grants lambda:InvokeFunctionUrl to everybody.
resource "aws_lambda_function_url" "approval_handler" {
  #checkov:skip=CKV_AWS_258: Slack cannot sign as AWS wants; the handler checks its signature before anything else
  function_name      = aws_lambda_function.approval_handler.function_name
  authorization_type = "NONE"

  lifecycle {
    # A function takes its URL and its permissions with it. Its ARN is planned anew only then.
    replace_triggered_by = [aws_lambda_function.approval_handler.arn]
  }
}

# Since October 2025 a Function URL also needs lambda:InvokeFunction, granted only for calls through
# the URL. Provider 5 cannot say that condition; CloudFormation can.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
#
# The permission's id has the URL's in it. So the stack waits for the URL, for of two permissions that
# are added at once AWS refuses one; and it is made anew for a new URL, where CloudFormation by itself
# would see no change.
resource "aws_cloudformation_stack" "approval_url" {
  #checkov:skip=CKV_AWS_124: Terraform makes the stack and tells of its failure
  name = "odoo-qb-approval-url-${var.environment}"
  template_body = jsonencode({
    Resources = {
      "InvokeThroughUrl${aws_lambda_function_url.approval_handler.url_id}" = {
        Type = "AWS::Lambda::Permission"
        Properties = {
          Action                = "lambda:InvokeFunction"
          FunctionName          = aws_lambda_function.approval_handler.function_name
          Principal             = "*"
          InvokedViaFunctionUrl = true
        }
      }
    }
  })
}

# --- The posting: from the approved queue to the poster ---

# First in, first out within a company, so that one company's posting is serial.
resource "aws_sqs_queue" "approved" {
  name                       = "odoo-approved-invoices-${var.environment}.fifo"
  fifo_queue                 = true
  visibility_timeout_seconds = 6 * local.poster_timeout_seconds
  message_retention_seconds  = local.fourteen_days
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.approved_dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "approved_dead" {
  name                      = "odoo-approved-invoices-dlq-${var.environment}.fifo"
  fifo_queue                = true
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}

resource "aws_lambda_event_source_mapping" "poster" {
  event_source_arn        = aws_sqs_queue.approved.arn
  function_name           = aws_lambda_function.function["poster"].arn
  batch_size              = 1
  enabled                 = var.posting_enabled
  function_response_types = ["ReportBatchItemFailures"]

  # The poster takes no more of the account's runs than this: clicks need theirs within three seconds.
  scaling_config {
    maximum_concurrency = var.postings_at_once
  }

  depends_on = [aws_iam_role_policy.function]
}
