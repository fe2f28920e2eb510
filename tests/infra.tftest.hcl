# Plans and applies the infrastructure against a provider that only pretends: no account, no network.
# A run takes more than a second, an assertion nothing: a run has all that can be seen with its variables.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_dynamodb_table" {
    defaults = {
      arn        = "arn:aws:dynamodb:us-west-2:123456789012:table/bills"
      stream_arn = "arn:aws:dynamodb:us-west-2:123456789012:table/bills/stream/1"
    }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::documents" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-west-2:123456789012:failures" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-west-2:123456789012:alerts" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/function" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:function" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:us-west-2:123456789012:function:function" }
  }
  mock_resource "aws_lambda_function_url" {
    defaults = { function_url = "https://abc.lambda-url.us-west-2.on.aws/" }
  }
  mock_resource "aws_scheduler_schedule_group" {
    defaults = { arn = "arn:aws:scheduler:us-west-2:123456789012:schedule-group/odoo-tasks-prod" }
  }
  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      id            = "a1b2c3"
      api_endpoint  = "https://a1b2c3.execute-api.us-west-2.amazonaws.com"
      execution_arn = "arn:aws:execute-api:us-west-2:123456789012:a1b2c3"
    }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-west-2:123456789012:rule/rule" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:us-west-2:123456789012:stateMachine:intake" }
  }

  # What a test must tell apart has an ARN of its own.
  override_resource {
    target = aws_dynamodb_table.intake[0]
    values = { arn = "arn:aws:dynamodb:us-west-2:123456789012:table/intake" }
  }
  override_resource {
    target = aws_sns_topic.intake[0]
    values = { arn = "arn:aws:sns:us-west-2:123456789012:intake" }
  }
  override_resource {
    target = aws_lambda_function.intake["validate_invoice"]
    values = { arn = "arn:aws:lambda:us-west-2:123456789012:function:validate" }
  }
  override_resource {
    target = aws_lambda_function.intake["process_invoice"]
    values = { arn = "arn:aws:lambda:us-west-2:123456789012:function:process" }
  }
  override_resource {
    target = aws_lambda_function.intake["send_notification"]
    values = { arn = "arn:aws:lambda:us-west-2:123456789012:function:notify" }
  }
  override_resource {
    target = aws_sqs_queue.approved
    values = { arn = "arn:aws:sqs:us-west-2:123456789012:approved.fifo", url = "https://sqs/approved.fifo" }
  }
  override_resource {
    target = aws_sqs_queue.approved_dead
    values = { arn = "arn:aws:sqs:us-west-2:123456789012:approved-dlq.fifo" }
  }
  override_resource {
    target = aws_secretsmanager_secret.given["odoo-credentials"]
    values = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:odoo" }
  }
  override_resource {
    target = aws_secretsmanager_secret.given["slack-config"]
    values = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:slack" }
  }
  override_resource {
    target = aws_secretsmanager_secret.given["quickbooks-credentials"]
    values = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:quickbooks" }
  }
  override_resource {
    target = aws_dynamodb_table.settings
    values = { arn = "arn:aws:dynamodb:us-west-2:123456789012:table/settings" }
  }
  override_resource {
    target = aws_dynamodb_table.mirror[0]
    values = {
      arn        = "arn:aws:dynamodb:us-west-2:123456789012:table/mirror"
      stream_arn = "arn:aws:dynamodb:us-west-2:123456789012:table/mirror/stream/1"
    }
  }
  override_resource {
    target = aws_sqs_queue.mirror_failures[0]
    values = { arn = "arn:aws:sqs:us-west-2:123456789012:mirror-failures" }
  }
  override_resource {
    target = aws_sqs_queue.task_failures[0]
    values = { arn = "arn:aws:sqs:us-west-2:123456789012:task-failures" }
  }
  override_resource {
    target = aws_iam_role.tasks[0]
    values = { arn = "arn:aws:iam::123456789012:role/tasks" }
  }
  override_resource {
    target = aws_secretsmanager_secret.api_tokens[0]
    values = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:api-tokens" }
  }
  override_resource {
    target = aws_lambda_function.mirror[0]
    values = { arn = "arn:aws:lambda:us-west-2:123456789012:function:mirror" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.api[0]
    values = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:api" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.api_requests[0]
    values = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:api-requests" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.mirror[0]
    values = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:mirror" }
  }
  override_resource {
    target = aws_secretsmanager_secret.erp_credentials[0]
    values = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:erp" }
  }
  override_resource {
    target = aws_secretsmanager_secret.erp_session["ledger"]
    values = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:session-ledger" }
  }
  override_resource {
    target = aws_sqs_queue.webhook[0]
    values = { arn = "arn:aws:sqs:us-west-2:123456789012:webhook.fifo", url = "https://sqs/webhook.fifo" }
  }
  override_resource {
    target = aws_sqs_queue.webhook_dead[0]
    values = { arn = "arn:aws:sqs:us-west-2:123456789012:webhook-dlq.fifo", url = "https://sqs/webhook-dlq.fifo" }
  }
  override_resource {
    target = aws_sqs_queue.webhook_failures[0]
    values = { arn = "arn:aws:sqs:us-west-2:123456789012:webhook-failures", url = "https://sqs/webhook-failures" }
  }
  override_resource {
    target = aws_secretsmanager_secret.webhook[0]
    values = { arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:webhook" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.webhook["webhook"]
    values = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:webhook" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.webhook["webhook_feed"]
    values = { arn = "arn:aws:logs:us-west-2:123456789012:log-group:webhook-feed" }
  }
}

variables {
  alert_email          = "bills@example.com"
  extract_since        = "2026-01-01"
  odoo_api_url         = "https://example.odoo.com"
  odoo_database        = "example"
  odoo_username        = "bills@example.com"
  odoo_api_key         = "odoo-key"
  slack_channel_id     = "C0123456789"
  slack_bot_token      = "xoxb-token"
  slack_signing_secret = "signing"
  qb_refresh_token     = "" # an ephemeral variable must be given, for a test to apply
  erp_credentials      = {}
  api_tokens           = {}
  api_previous_tokens  = {}
  qb_client_id         = "client"
  qb_client_secret     = "client-secret"
  qb_realm_ids         = { north = "9130350000000001", south = "9130350000000002" }
  qb_refresh_tokens    = { north = "north-token", south = "south-token" }
  company_settings     = { north = { odoo_company = "North Ltd", approvers = ["U1", "S2"], two_approvals_above = 10000.50 } }

  webhook_secret          = ""
  webhook_previous_secret = ""
}

run "what_is_made_where_nothing_else_is_said" {
  # The names are those that other systems rely on.
  assert {
    condition = output.lambda_function_names == {
      extractor        = "odoo-extractor-prod"
      notifier         = "odoo-notifier-prod"
      approval_handler = "odoo-approval-handler-prod"
      poster           = "odoo-poster-prod"
    }
    error_message = "The functions' names changed."
  }
  assert {
    condition     = aws_sqs_queue.approved.name == "odoo-approved-invoices-prod.fifo" && aws_dynamodb_table.bills.name == "odoo-qb-invoices-prod"
    error_message = "The queue's or the table's name changed."
  }
  assert {
    condition = setunion([for secret in aws_secretsmanager_secret.given : secret.name], [for secret in aws_secretsmanager_secret.quickbooks_token : secret.name]) == toset([
      "odoo-qb-integration/odoo-credentials-prod",
      "odoo-qb-integration/slack-config-prod",
      "odoo-qb-integration/quickbooks-credentials-prod",
      "odoo-qb-integration/quickbooks-token-prod/north",
      "odoo-qb-integration/quickbooks-token-prod/south",
    ])
    error_message = "The secrets' names changed, or there is one too many."
  }
  assert {
    condition = alltrue([
      for name, function in merge(aws_lambda_function.function, { approval_handler = aws_lambda_function.approval_handler }) :
      function.handler == "${name}.lambda_handler" && function.runtime == "python3.12" && function.environment[0].variables["POWERTOOLS_SERVICE_NAME"] == name
    ])
    error_message = "A function has another handler, runtime or service name."
  }

  # The functions' environments have what they read.
  assert {
    condition = { for name, function in merge(aws_lambda_function.function, { approval_handler = aws_lambda_function.approval_handler }) :
      name => join(" ", setsubtract(keys(function.environment[0].variables), [
        "ENVIRONMENT", "DYNAMODB_TABLE", "SECRETS_VERSION", "SETTINGS_TABLE", "SETTINGS_VERSION", "POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "S3_BUCKET", "RECORD_RETENTION_DAYS",
      ])) } == {
      extractor        = "EXTRACT_SINCE ODOO_API_URL ODOO_SECRET_ARN SNS_ALERT_TOPIC SQS_QUEUE_URL"
      notifier         = "APPROVAL_URL REJECTION_NOTIFY_USERS SLACK_API_URL SLACK_CHANNEL_ID SLACK_MESSAGES_PER_SECOND SLACK_SECRET_ARN"
      approval_handler = "SLACK_API_URL SLACK_CHANNEL_ID SLACK_SECRET_ARN SQS_QUEUE_URL"
      poster           = "QB_API_URL QB_CALLS_PER_MINUTE QB_OAUTH_URL QB_SECRET_ARN QB_TOKEN_SECRET_PREFIX SNS_ALERT_TOPIC SQS_QUEUE_URL"
    }
    error_message = "A function's environment has a variable more or less."
  }
  assert {
    condition     = aws_lambda_function.function["poster"].environment[0].variables["QB_API_URL"] == "https://quickbooks.api.intuit.com"
    error_message = "QuickBooks' production is not what the poster calls."
  }
  assert {
    condition = jsondecode(jsondecode(aws_dynamodb_table_item.company_settings.item).companies.S) == {
      north = { odoo_company = "North Ltd", realm_id = "9130350000000001", slack_channel_id = "C0123456789", approvers = ["U1", "S2"], two_approvals_above = 10000.50 }
      south = { odoo_company = "south", realm_id = "9130350000000002", slack_channel_id = "C0123456789" }
    }
    error_message = "The companies in the table are not those of the variables."
  }
  assert {
    condition = aws_dynamodb_table_item.company_settings.table_name == "odoo-qb-settings-prod" && alltrue([
      for function in concat(values(aws_lambda_function.function), [aws_lambda_function.approval_handler]) : function.environment[0].variables["SETTINGS_TABLE"] == "odoo-qb-settings-prod"
    ])
    error_message = "The settings are not where the functions look for them."
  }

  # Each function may do what it needs and nothing else.
  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.function : alltrue([
        for statement in jsondecode(policy.policy).Statement :
        statement.Effect == "Allow" && alltrue([for action in statement.Action : !strcontains(action, "*")]) && alltrue([for resource in statement.Resource : resource != "*" && startswith(resource, "arn:")])
      ])
    ])
    error_message = "A statement has an action with a wildcard, or any resource."
  }
  assert {
    condition = toset(keys(aws_iam_role_policy.function)) == toset(keys(aws_iam_role.function)) && alltrue([
      for role in aws_iam_role.function : [for statement in jsondecode(role.assume_role_policy).Statement : [statement.Effect, statement.Action, statement.Principal]] == [
        ["Allow", "sts:AssumeRole", { Service = "lambda.amazonaws.com" }],
      ]
    ])
    error_message = "A role is without its policy, or others than Lambda may take it."
  }
  assert {
    condition = { for name, policy in aws_iam_role_policy.function : name => toset(flatten([for statement in jsondecode(policy.policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : "${action} ${resource}"] if startswith(statement.Action[0], "secretsmanager:")
      ]])) } == {
      extractor        = toset(["secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:odoo"])
      notifier         = toset(["secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:slack"])
      approval_handler = toset(["secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:slack"])
      poster = toset([
        "secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:quickbooks",
        "secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:odoo-qb-integration/quickbooks-token-prod/*",
        "secretsmanager:PutSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:odoo-qb-integration/quickbooks-token-prod/*",
      ])
    }
    error_message = "A function may read or write a secret that is not its own."
  }
  assert {
    condition = { for name, policy in aws_iam_role_policy.function : name => toset(flatten([for statement in jsondecode(policy.policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : "${action} ${resource}"] if startswith(statement.Action[0], "s3:")
      ]])) } == {
      extractor = toset([
        "s3:PutObject arn:aws:s3:::documents/pending/*", "s3:PutObject arn:aws:s3:::documents/lines/*", "s3:PutObject arn:aws:s3:::documents/audit/*",
        "s3:GetObject arn:aws:s3:::documents/lines/*", "s3:GetObject arn:aws:s3:::documents/reference/*",
      ])
      notifier         = toset([])
      approval_handler = toset(["s3:GetObjectVersion arn:aws:s3:::documents/pending/*"])
      poster = toset([
        "s3:GetObjectVersion arn:aws:s3:::documents/pending/*", "s3:GetObject arn:aws:s3:::documents/lines/*",
        "s3:GetObject arn:aws:s3:::documents/reference/*", "s3:PutObject arn:aws:s3:::documents/reference/*",
        "s3:GetObject arn:aws:s3:::documents/attempts/*", "s3:PutObject arn:aws:s3:::documents/attempts/*",
      ])
    }
    error_message = "A function may read or write other documents than its own."
  }
  assert {
    condition = { for name, policy in aws_iam_role_policy.function : name => toset(flatten([for statement in jsondecode(policy.policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : "${action} ${resource}"] if !anytrue([for service in ["s3:", "secretsmanager:"] : startswith(statement.Action[0], service)])
      ]])) } == {
      extractor = toset([
        "dynamodb:BatchGetItem arn:aws:dynamodb:us-west-2:123456789012:table/bills", "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/bills",
        "dynamodb:PutItem arn:aws:dynamodb:us-west-2:123456789012:table/bills", "dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/bills",
        "dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/bills/index/status-index",
        "dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/bills/index/company-status-index",
        "sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:approved.fifo", "sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:failures",
        "sns:Publish arn:aws:sns:us-west-2:123456789012:alerts",
        "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/settings",
        "logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:function:*", "logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:function:*",
      ])
      notifier = toset([
        "dynamodb:DescribeStream arn:aws:dynamodb:us-west-2:123456789012:table/bills/stream/1", "dynamodb:GetRecords arn:aws:dynamodb:us-west-2:123456789012:table/bills/stream/1",
        "dynamodb:GetShardIterator arn:aws:dynamodb:us-west-2:123456789012:table/bills/stream/1", "dynamodb:ListStreams arn:aws:dynamodb:us-west-2:123456789012:table/bills/stream/*",
        "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/bills", "dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/bills", "sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:failures",
        "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/settings",
        "logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:function:*", "logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:function:*",
      ])
      approval_handler = toset([
        "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/bills", "dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/bills", "sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:approved.fifo",
        "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/settings",
        "logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:function:*", "logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:function:*",
      ])
      poster = toset([
        "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/bills", "dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/bills",
        "sqs:ChangeMessageVisibility arn:aws:sqs:us-west-2:123456789012:approved.fifo", "sqs:DeleteMessage arn:aws:sqs:us-west-2:123456789012:approved.fifo",
        "sqs:GetQueueAttributes arn:aws:sqs:us-west-2:123456789012:approved.fifo", "sqs:ReceiveMessage arn:aws:sqs:us-west-2:123456789012:approved.fifo",
        "sns:Publish arn:aws:sns:us-west-2:123456789012:alerts",
        "dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/settings",
        "logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:function:*", "logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:function:*",
      ])
    }
    error_message = "A function may do more or less than the list says."
  }

  # Documents are versioned and private.
  assert {
    condition     = aws_s3_bucket_versioning.documents.versioning_configuration[0].status == "Enabled"
    error_message = "Without versions nobody can say which bytes were approved."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.documents.block_public_acls, aws_s3_bucket_public_access_block.documents.block_public_policy,
      aws_s3_bucket_public_access_block.documents.ignore_public_acls, aws_s3_bucket_public_access_block.documents.restrict_public_buckets,
    ])
    error_message = "The documents could be made public."
  }
  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.documents.policy).Statement : [statement.Effect, statement.Action, statement.Condition]] == [
      ["Deny", "s3:*", { Bool = { "aws:SecureTransport" = "false" } }],
    ]
    error_message = "The documents can be read without TLS, or the policy allows something."
  }
  assert {
    condition     = aws_s3_bucket.documents.force_destroy == false && aws_dynamodb_table.bills.deletion_protection_enabled == true && aws_dynamodb_table.settings.deletion_protection_enabled == true
    error_message = "In production documents and bills must not go with a destroy."
  }
  assert {
    condition = { for rule in aws_s3_bucket_lifecycle_configuration.documents.rule : rule.id => [for expiration in rule.noncurrent_version_expiration : expiration.noncurrent_days] } == {
      abort-unfinished-uploads  = []
      expire-replaced-versions  = [2555]
      expire-replaced-reference = [30]
    } && [for rule in aws_s3_bucket_lifecycle_configuration.documents.rule : rule.filter[0].prefix if rule.id == "expire-replaced-reference"] == ["reference/"]
    error_message = "Approved bytes are kept for another time than they must be, or hourly snapshots for years."
  }

  # The table keeps, finds and streams bills.
  assert {
    condition = { for index in aws_dynamodb_table.bills.global_secondary_index : index.name => [index.hash_key, index.range_key, index.projection_type] } == {
      status-index         = ["status", "updated_at", "KEYS_ONLY"]
      company-status-index = ["company", "status", "KEYS_ONLY"]
    }
    error_message = "The indexes changed."
  }
  assert {
    condition     = aws_dynamodb_table.bills.stream_view_type == "NEW_AND_OLD_IMAGES" && aws_dynamodb_table.bills.ttl[0].attribute_name == "expires_at" && aws_dynamodb_table.bills.point_in_time_recovery[0].enabled
    error_message = "The table has lost its stream, its time to live or its recovery."
  }

  # What cannot be done is kept, and mailed.
  assert {
    condition = alltrue([
      aws_sqs_queue.approved.visibility_timeout_seconds == 6 * aws_lambda_function.function["poster"].timeout,
      jsondecode(aws_sqs_queue.approved.redrive_policy).maxReceiveCount == 5,
      jsondecode(aws_sqs_queue.approved.redrive_policy).deadLetterTargetArn == aws_sqs_queue.approved_dead.arn,
      aws_sqs_queue.approved.message_retention_seconds == 1209600,
      aws_sqs_queue.approved_dead.message_retention_seconds == 1209600,
      aws_sqs_queue.approved_dead.fifo_queue,
    ])
    error_message = "An approved bill could be lost on its way to the poster."
  }
  assert {
    condition     = aws_lambda_event_source_mapping.poster.batch_size == 1 && aws_lambda_event_source_mapping.poster.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "The poster must take one bill at a time and report what failed."
  }
  assert {
    condition     = [for scaling in aws_lambda_event_source_mapping.poster.scaling_config : scaling.maximum_concurrency] == [2] && aws_lambda_event_source_mapping.notifier.parallelization_factor == 1
    error_message = "In an account of ten runs the poster or the notifier would take those that clicks need."
  }
  assert {
    condition = alltrue([
      aws_lambda_event_source_mapping.notifier.batch_size == 20,
      aws_lambda_event_source_mapping.notifier.maximum_retry_attempts == 5,
      aws_lambda_event_source_mapping.notifier.maximum_record_age_in_seconds == 86400,
      aws_lambda_event_source_mapping.notifier.bisect_batch_on_function_error,
      aws_lambda_event_source_mapping.notifier.function_response_types == toset(["ReportBatchItemFailures"]),
      aws_lambda_event_source_mapping.notifier.destination_config[0].on_failure[0].destination_arn == aws_sqs_queue.failures["notifier"].arn,
    ])
    error_message = "A change could be lost, or block the others, on its way to Slack."
  }
  assert {
    condition     = [for filter in aws_lambda_event_source_mapping.notifier.filter_criteria[0].filter : jsondecode(filter.pattern)] == [{ dynamodb = { NewImage = { card_due = { N = [{ exists = true }] } } } }]
    error_message = "The notifier must see what a card owes, and only that."
  }
  assert {
    condition     = aws_lambda_function_event_invoke_config.extractor.destination_config[0].on_failure[0].destination == aws_sqs_queue.failures["extractor"].arn && aws_lambda_function_event_invoke_config.extractor.maximum_retry_attempts <= 1
    error_message = "A failed run of the extractor is not kept."
  }

  # Somebody is mailed what went wrong and what to do.
  # What each looks at, when it is too much, and in how many periods of what length.
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.alarm : key => join(" ", concat(
      [alarm.namespace, alarm.metric_name], values(alarm.dimensions),
      [alarm.statistic, alarm.comparison_operator, tostring(alarm.threshold)],
      ["${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} x ${alarm.period} s,", alarm.treat_missing_data],
      )) } == {
      no_extraction        = "AWS/Lambda Errors odoo-extractor-prod Minimum GreaterThanOrEqualToThreshold 1 3 of 3 x 900 s, missing"
      handler_fails        = "AWS/Lambda Url5xxCount odoo-approval-handler-prod Sum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      handler_is_throttled = "AWS/Lambda Throttles odoo-approval-handler-prod Sum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      handler_is_slow      = "AWS/Lambda UrlRequestLatency odoo-approval-handler-prod Average GreaterThanThreshold 2400 2 of 3 x 300 s, notBreaching"
      poster_fails         = "AWS/Lambda Errors odoo-poster-prod Sum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      poster_is_slow       = "AWS/Lambda Duration odoo-poster-prod Maximum GreaterThanThreshold 96000 1 of 1 x 300 s, notBreaching"
      cards_are_late       = "AWS/Lambda IteratorAge odoo-notifier-prod Maximum GreaterThanThreshold 3600000 1 of 1 x 300 s, notBreaching"
      postings_are_late    = "AWS/SQS ApproximateAgeOfOldestMessage odoo-approved-invoices-prod.fifo Maximum GreaterThanThreshold 3600 1 of 1 x 300 s, notBreaching"
      extractor_failures   = "AWS/SQS ApproximateNumberOfMessagesVisible odoo-extractor-failures-prod Maximum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      notifier_failures    = "AWS/SQS ApproximateNumberOfMessagesVisible odoo-notifier-failures-prod Maximum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      dead_approvals       = "AWS/SQS ApproximateNumberOfMessagesVisible odoo-approved-invoices-dlq-prod.fifo Maximum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      token_days_left      = "OdooQuickBooks/prod RefreshTokenDaysLeft Minimum LessThanThreshold 14 1 of 2 x 86400 s, missing"
    }
    error_message = "An alarm looks at something else, or there is one more or less: each metric costs $0.10 a month."
  }
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.alarm :
      alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && (alarm.treat_missing_data != "missing" || alarm.insufficient_data_actions == toset([aws_sns_topic.alerts.arn]))
    ])
    error_message = "An alarm, or the end of what must come, tells nobody."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.alarm : length(alarm.alarm_description) >= 80 && length(alarm.alarm_description) <= 1024])
    error_message = "An alarm does not say what to do, or more than AWS takes."
  }
  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.function : group.retention_in_days == 365])
    error_message = "A log is kept for another time than it is said."
  }

  # A wrong signing secret is mailed; a scan of the internet is not.
  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.all_clicks_refused.metric_query : query.id => join("", concat(
      [try(coalesce(query.expression), "")],
      [for metric in query.metric : join(" ", concat([metric.namespace, metric.metric_name, metric.stat, tostring(metric.period)], values(coalesce(metric.dimensions, {}))))],
      )) } == {
      all_refused    = "IF(wrongly_signed > 0 AND requests - refused <= 0, 1, 0)"
      wrongly_signed = "OdooQuickBooks/prod WronglySigned Sum 3600"
      requests       = "AWS/Lambda UrlRequestCount Sum 3600 odoo-approval-handler-prod"
      refused        = "AWS/Lambda Url4xxCount Sum 3600 odoo-approval-handler-prod"
    }
    error_message = "Refused requests are told although clicks work, or are not told although none does."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.all_clicks_refused.alarm_actions == toset([aws_sns_topic.alerts.arn]) && length(aws_cloudwatch_metric_alarm.all_clicks_refused.alarm_description) <= 1024 && aws_cloudwatch_metric_alarm.all_clicks_refused.treat_missing_data == "notBreaching"
    error_message = "The alarm tells nobody, or does so where there was no click."
  }

  # One page shows how it goes.
  assert {
    condition = length(distinct(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.bills[0].dashboard_body).widgets : [for metric in try(widget.properties.metrics, []) : jsonencode(metric)]
    ]))) <= 50 && alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.bills[0].dashboard_body).widgets : length(widget.properties.title) > 10 && try(widget.properties.region, "") == (widget.type == "alarm" ? "" : "us-west-2")])
    error_message = "A dashboard of more than 50 metrics costs, and a widget needs a title and, unless it names its alarms, a region."
  }
  assert {
    condition = length(setsubtract(
      [for alarm in aws_cloudwatch_metric_alarm.alarm : join(" ", concat([alarm.namespace, alarm.metric_name], values(alarm.dimensions)))],
      flatten([for widget in jsondecode(aws_cloudwatch_dashboard.bills[0].dashboard_body).widgets : [
        for metric in try(widget.properties.metrics, []) : join(" ", [for part in metric : part if can(tostring(part)) && !contains(["FunctionName", "QueueName"], try(tostring(part), ""))])
      ]]),
    )) == 0
    error_message = "What an alarm looks at is not on the page."
  }

  # Schedules call with the agreed input.
  assert {
    condition = { for name, target in aws_cloudwatch_event_target.schedule : name => [aws_cloudwatch_event_rule.schedule[name].schedule_expression, jsondecode(target.input)] } == {
      extract           = ["rate(15 minutes)", {}]
      extract-all       = ["rate(1 day)", { full = true }]
      export-month      = ["cron(0 5 1 * ? *)", { export = "last" }]
      sync-reference    = ["rate(1 hour)", { action = "sync_reference" }]
      check-connections = ["rate(1 day)", { action = "check_connections" }]
    }
    error_message = "A schedule calls at another time or with another input."
  }

  # A deployment runs unless somebody switches it off.
  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.schedule : rule.state == "ENABLED"]) && aws_lambda_event_source_mapping.poster.enabled && length(aws_cloudwatch_dashboard.bills) == 1
    error_message = "A schedule, the posting or the dashboard is off though nobody said so."
  }

  # The click reaches the handler through its URL alone.
  assert {
    condition     = aws_lambda_function_url.approval_handler.authorization_type == "NONE"
    error_message = "Slack cannot sign as AWS wants."
  }
  assert {
    condition = [for resource in values(jsondecode(aws_cloudformation_stack.approval_url.template_body).Resources) : [resource.Properties.Action, resource.Properties.InvokedViaFunctionUrl]] == [
      ["lambda:InvokeFunction", true],
    ]
    error_message = "Everybody may invoke the handler directly, or nobody through the URL."
  }
  assert {
    condition     = keys(jsondecode(aws_cloudformation_stack.approval_url.template_body).Resources) == ["InvokeThroughUrl${aws_lambda_function_url.approval_handler.url_id}"]
    error_message = "A new URL would be left without its second permission: the stack would not see a change."
  }
  assert {
    condition     = alltrue([for permission in aws_lambda_permission.schedule : permission.principal == "events.amazonaws.com" && permission.source_arn != null])
    error_message = "A function may be called by others than its schedule."
  }

  # Slack accepts the manifest.
  assert {
    condition = toset(jsondecode(output.slack_app_manifest).oauth_config.scopes.bot) == toset([
      "chat:write", "users:read", "users:read.email", "usergroups:read", "channels:read", "groups:read",
    ])
    error_message = "The app asks for other scopes than it needs."
  }
  assert {
    condition = alltrue([
      jsondecode(output.slack_app_manifest).settings.interactivity.request_url == output.approval_handler_url,
      length(jsondecode(output.slack_app_manifest).display_information.name) <= 35,
      length(jsondecode(output.slack_app_manifest).display_information.description) <= 140,
      length(jsondecode(output.slack_app_manifest).display_information.long_description) >= 174,
      length(jsondecode(output.slack_app_manifest).display_information.long_description) <= 4000,
    ])
    error_message = "Slack would reject the manifest."
  }

  # The mirror is off unless it is turned on.
  assert {
    condition = length(concat(
      aws_dynamodb_table.mirror, aws_secretsmanager_secret.erp_credentials, aws_secretsmanager_secret_version.erp_credentials,
      values(aws_secretsmanager_secret.erp_session), aws_lambda_function.mirror, aws_cloudwatch_log_group.mirror,
      aws_iam_role.mirror, aws_iam_role_policy.mirror, values(aws_cloudwatch_event_rule.mirror),
      values(aws_cloudwatch_event_target.mirror), values(aws_lambda_permission.mirror),
      aws_lambda_function_event_invoke_config.mirror, aws_sqs_queue.mirror_failures, values(aws_cloudwatch_metric_alarm.mirror),
    )) == 0
    error_message = "Something of the mirror is there though nobody turned it on."
  }
  assert {
    condition     = output.mirror_table == null && output.mirror_function_name == null && output.mirror_connections == null
    error_message = "An output speaks of a mirror that is not there."
  }
  assert {
    condition     = length(var.allowed_private_networks) == 0
    error_message = "Connections reach into private networks though nobody allowed it."
  }

  # The intake is off unless it is turned on.
  assert {
    condition = length(concat(
      aws_dynamodb_table.intake, values(aws_lambda_function.intake), values(aws_cloudwatch_log_group.intake),
      values(aws_iam_role.intake), values(aws_iam_role_policy.intake), aws_sfn_state_machine.intake,
      aws_cloudwatch_log_group.intake_workflow, aws_iam_role.intake_workflow, aws_iam_role_policy.intake_workflow,
      aws_sns_topic.intake, aws_sns_topic_subscription.intake, values(aws_cloudwatch_metric_alarm.intake),
    )) == 0
    error_message = "Something of the intake is there though nobody turned it on."
  }
  assert {
    condition     = output.intake_state_machine_arn == null && output.intake_table == null && output.intake_topic_arn == null && output.intake_function_names == {}
    error_message = "An output speaks of an intake that is not there."
  }
}

run "settings_and_an_hourly_schedule" {
  command = plan

  variables {
    company_settings = {
      north = { two_approvals_above = "10000.50", accounts = { 611000 = 6110 }, class = 7, time_zone = null, intercompany_vendors = ["South Ltd", 42] }
      south = {}
    }
    schedule_rate   = "rate(1 hour)"
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "session" } }
    erp_credentials = { ledger = "password" }
  }

  # A setting is stored as the kind it is, whatever it was given as.
  assert {
    condition = local.companies == {
      north = {
        odoo_company         = "north"
        realm_id             = "9130350000000001"
        slack_channel_id     = "C0123456789"
        two_approvals_above  = 10000.50
        accounts             = { "611000" = "6110" }
        class                = "7"
        intercompany_vendors = ["South Ltd", "42"]
      }
      south = { odoo_company = "south", realm_id = "9130350000000002", slack_channel_id = "C0123456789" }
    }
    error_message = "A number is stored as text, a text as a number, or what was not given is stored."
  }

  # Three missing extractions are counted at the schedule's own rate.
  assert {
    condition     = aws_cloudwatch_metric_alarm.alarm["no_extraction"].period == 3600
    error_message = "A schedule of an hour is not given three hours."
  }

  # Connections that wait for the mirror make nothing.
  assert {
    condition     = length(aws_secretsmanager_secret.erp_credentials) + length(aws_secretsmanager_secret.erp_session) == 0
    error_message = "A secret costs $0.40 a month, and no mirror reads it."
  }
}

run "every_setting_and_a_daily_schedule" {
  command = plan

  variables {
    company_settings = { south = {
      odoo_company         = "South Ltd"
      slack_channel_id     = "C9876543210"
      extract_since        = "2026-07-01"
      approvers            = ["U1", "W2", "S3"]
      two_approvals_above  = 5000
      accounts             = { "64" = "Cost of Goods Sold:Freight In" }
      vendors              = { "FastFreight Inc." = "Fast Freight" }
      default_account      = "Uncategorized Expense"
      payable_account      = "Accounts Payable (A/P)"
      taxes                = { "none" = "No VAT" }
      tax                  = "override"
      tax_on_lines         = false
      country              = "GB"
      due_date             = "last"
      terms                = { "30 Days" = "Net 30" }
      class                = "North:Works"
      department           = "Paris"
      books_close_day      = 28
      intercompany_vendors = ["North Ltd"]
      reminder_hours       = 4.5
      escalation_hours     = 24
      escalation_approvers = ["S3"]
      time_zone            = "America/Argentina/Buenos_Aires"
      quiet_hours          = "18:00-08:00"
    } }
    schedule_rate  = "cron(0 6 ? * MON-FRI *)"
    mirror_enabled = true
  }

  # Every setting of a company is accepted and stored.
  assert {
    condition     = local.companies.south == merge(var.company_settings.south, { realm_id = "9130350000000002" })
    error_message = "A setting is lost on its way to the table."
  }
  assert {
    condition     = toset(keys(var.company_settings.south)) == toset(flatten(values(local.company_setting_names)))
    error_message = "A setting is not tried here."
  }

  # A schedule without a rate is taken for a daily one.
  assert {
    condition     = aws_cloudwatch_metric_alarm.alarm["no_extraction"].period == 86400
    error_message = "A schedule by the calendar is not given three days."
  }

  # The mirror of the flow's own Odoo needs no secret of its own.
  assert {
    condition     = length(aws_secretsmanager_secret.erp_credentials) + length(aws_secretsmanager_secret.erp_session) == 0 && local.erp_connections == {}
    error_message = "A secret without a connection costs $0.40 a month."
  }
  assert {
    condition     = output.mirror_connections == { odoo = { url = "https://example.odoo.com", database = "example" } }
    error_message = "The flow's own Odoo is not mirrored."
  }

  # The webhook is off unless it has an address.
  assert {
    condition = length(concat(
      aws_sqs_queue.webhook, aws_sqs_queue.webhook_dead, aws_sqs_queue.webhook_failures, aws_secretsmanager_secret.webhook,
      aws_secretsmanager_secret_version.webhook, values(aws_lambda_function.webhook), values(aws_cloudwatch_log_group.webhook),
      values(aws_iam_role.webhook), values(aws_iam_role_policy.webhook), aws_lambda_event_source_mapping.webhook,
      aws_lambda_event_source_mapping.webhook_feed, aws_cloudwatch_event_rule.webhook_digest, aws_cloudwatch_event_target.webhook_digest,
      aws_lambda_permission.webhook_digest, aws_lambda_function_event_invoke_config.webhook, values(aws_cloudwatch_metric_alarm.webhook),
    )) == 0
    error_message = "Something of the webhook is there though nobody gave it an address."
  }
  assert {
    condition     = output.webhook_function_names == null && output.webhook_queue_urls == null
    error_message = "An output speaks of a webhook that is not there."
  }
  assert {
    condition     = var.webhook_kinds == tolist(["move", "payment"]) && !var.webhook_first_load
    error_message = "More is sent than somebody asked for."
  }

  # The API is off unless it is turned on.
  assert {
    condition = length(concat(
      aws_secretsmanager_secret.api_tokens, aws_secretsmanager_secret_version.api_tokens, aws_lambda_function.api,
      aws_cloudwatch_log_group.api, aws_iam_role.api, aws_iam_role_policy.api, aws_apigatewayv2_api.api,
      aws_apigatewayv2_integration.api, aws_apigatewayv2_route.api, aws_apigatewayv2_stage.api,
      aws_cloudwatch_log_group.api_requests, aws_lambda_permission.api, aws_apigatewayv2_domain_name.api,
      aws_apigatewayv2_api_mapping.api, values(aws_cloudwatch_metric_alarm.api),
    )) == 0
    error_message = "Something of the API is there though nobody turned it on."
  }
  assert {
    condition     = output.api_url == null && output.api_domain_target == null
    error_message = "An output speaks of an API that is not there."
  }

  # There are no schedules without an API and a mirror.
  assert {
    condition = length(concat(
      aws_scheduler_schedule_group.tasks, aws_iam_role.tasks, aws_iam_role_policy.tasks, aws_sqs_queue.task_failures,
      aws_cloudwatch_metric_alarm.task_failures,
    )) == 0 && local.schedule_grants == {} && local.api_schedule_grants == {}
    error_message = "Something of the API's schedules is there though nobody turned it on."
  }
  assert {
    condition     = !contains(keys(aws_lambda_function.mirror[0].environment[0].variables), "TASK_SCHEDULES")
    error_message = "The mirror looks for schedules that nobody can make."
  }
}

run "a_second_deployment_switched_off" {
  command = plan

  variables {
    schedules_enabled        = false
    posting_enabled          = false
    dashboard_enabled        = false
    environment              = "staging"
    mirror_enabled           = true
    mirror_rate              = "rate(2 hours)"
    allowed_private_networks = ["10.20.0.0/16", "127.0.0.0/8", "fd00:12::/32"]
  }

  # Nothing is read, asked or posted while it is switched off.
  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.schedule : rule.state == "DISABLED"]) && !aws_lambda_event_source_mapping.poster.enabled && length(aws_cloudwatch_dashboard.bills) == 0
    error_message = "A switch does not switch."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.alarm : length(alarm.insufficient_data_actions) == 0])
    error_message = "After a call by hand the silence that was asked for would be mailed."
  }

  # Two deployments in one account do not count for each other.
  assert {
    condition = toset(concat(
      [for function in values(aws_lambda_function.function) : function.environment[0].variables["POWERTOOLS_METRICS_NAMESPACE"]],
      [aws_cloudwatch_metric_alarm.alarm["token_days_left"].namespace],
    )) == toset(["OdooQuickBooks/staging"])
    error_message = "One deployment's tokens would keep the other's alarm quiet."
  }

  # A mirror that is to rest is not mailed about for its age.
  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.mirror : rule.state == "DISABLED"])
    error_message = "A switch does not switch."
  }
  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.mirror : key => alarm.actions_enabled } == { mirror_is_old = false, mirror_fails = true, mirror_failures = true }
    error_message = "The age that was wanted would be mailed, or a failed run by hand would not."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.mirror["mirror_is_old"].threshold == 360 && aws_cloudwatch_metric_alarm.mirror["mirror_is_old"].period == 7200
      && aws_cloudwatch_metric_alarm.mirror["mirror_is_old"].namespace == "OdooQuickBooks/staging"
    )
    error_message = "A schedule of two hours is not given six, or another deployment's mirror counts."
  }
  assert {
    condition     = !aws_dynamodb_table.mirror[0].deletion_protection_enabled
    error_message = "Elsewhere than in production everything can be thrown away."
  }
  assert {
    condition     = aws_cloudwatch_event_rule.mirror["sync-all"].schedule_expression == "rate(2 hours)" && local.mirror_minutes == 120
    error_message = "The rate is not kept to."
  }
}

run "a_demo_of_one_company" {
  variables {
    environment          = "demo"
    qb_use_sandbox       = true
    slack_api_url        = "http://127.0.0.1:8081/api/"
    reserved_concurrency = { approval_handler = 5 }
    qb_realm_ids         = { north = "9130350000000001" }
    qb_refresh_token     = "only-token"
    qb_refresh_tokens    = {}
  }

  # Elsewhere than in production everything can be thrown away.
  assert {
    condition = alltrue(concat(
      [aws_s3_bucket.documents.force_destroy, !aws_dynamodb_table.bills.deletion_protection_enabled, !aws_dynamodb_table.settings.deletion_protection_enabled],
      [for secret in aws_secretsmanager_secret.given : secret.recovery_window_in_days == 0],
      [for secret in aws_secretsmanager_secret.quickbooks_token : secret.recovery_window_in_days == 0],
    ))
    error_message = "A second demo could not take the names of the first."
  }
  assert {
    condition     = aws_lambda_function.function["poster"].environment[0].variables["QB_API_URL"] == "https://sandbox-quickbooks.api.intuit.com"
    error_message = "qb_use_sandbox does not reach the sandbox."
  }
  assert {
    condition     = aws_lambda_function.approval_handler.reserved_concurrent_executions == 5
    error_message = "Reserved concurrency is not handed on."
  }

  # That this can be applied at all: one company may use the single token.
}

run "many_companies_and_changed_secrets" {
  variables {
    qb_realm_ids      = { for number in range(150) : "a-company-with-quite-a-long-name-${number}" => tostring(9130350000000001 + number) }
    qb_refresh_tokens = { for number in range(150) : "a-company-with-quite-a-long-name-${number}" => "token" }
    company_settings  = {}
    secrets_version   = 2
  }

  # The poster's rights do not grow with the companies.
  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.function : length(policy.policy) < 10240])
    error_message = "A role's policy is longer than AWS takes (10,240 characters)."
  }

  # Changed settings and secrets restart the functions.
  assert {
    condition = alltrue([
      for function in concat(values(aws_lambda_function.function), [aws_lambda_function.approval_handler]) :
      function.environment[0].variables["SECRETS_VERSION"] == "2" && function.environment[0].variables["SETTINGS_VERSION"] == substr(sha256(aws_dynamodb_table_item.company_settings.item), 0, 12)
    ])
    error_message = "A function would go on with what it has read before."
  }
}

run "a_salesforce_is_mirrored_as_an_app" {
  variables {
    mirror_enabled = true
    erp_connections = {
      crm = { type = "salesforce", url = "https://example.my.salesforce.com", client_id = "3MVG9", mapping = { move = { object = "Invoice__c", fields = { amount_total = "Total__c" } } } }
    }
    erp_credentials = { crm = "secret" }
  }

  assert {
    condition     = output.mirror_connections.crm == { url = "https://example.my.salesforce.com", database = "" } && length(aws_secretsmanager_secret.erp_session) == 0
    error_message = "A Salesforce is not mirrored, or has a session that is kept."
  }
  assert {
    condition = jsondecode(aws_lambda_function.mirror[0].environment[0].variables.ERP_CONNECTIONS) == {
      crm = { type = "salesforce", url = "https://example.my.salesforce.com", client_id = "3MVG9", mapping = { move = { object = "Invoice__c", fields = { amount_total = "Total__c" } } } }
    }
    error_message = "The function does not learn what is mapped."
  }
}

run "mirror_and_intake_have_what_they_need_and_nothing_else" {
  variables {
    mirror_enabled  = true
    secrets_version = 3
    erp_connections = {
      ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "session", companies = ["North Ltd", 3] }
      shop   = { type = "odoo", url = "https://shop.example.com", database = "shop", username = "mirror", auth = "api_key", companies = null }
    }
    erp_credentials         = { ledger = "password", shop = "key" }
    intake_enabled          = true
    intake_time_zone        = "Europe/Paris"
    intake_maximum_amount   = 50000.5
    intake_slack_channel_id = "C9876543210"
    intake_mails_customers  = true
    intake_sender           = "billing@example.com"
  }

  # The mirror has what it needs and nothing else.
  assert {
    condition     = output.mirror_table == "odoo-mirror-prod" && output.mirror_function_name == "odoo-mirror-prod" && aws_sqs_queue.mirror_failures[0].name == "odoo-mirror-failures-prod"
    error_message = "A name changed that other systems rely on."
  }
  assert {
    condition = output.mirror_connections == {
      odoo   = { url = "https://example.odoo.com", database = "example" }
      ledger = { url = "https://ledger.example.com", database = "ledger" }
      shop   = { url = "https://shop.example.com", database = "shop" }
    }
    error_message = "The connections are not those of the variables."
  }
  assert {
    condition = setunion(aws_secretsmanager_secret.erp_credentials[*].name, [for secret in aws_secretsmanager_secret.erp_session : secret.name]) == toset([
      "odoo-erp-credentials-prod", "odoo-erp-session-prod/ledger",
    ])
    error_message = "A secret has another name, or a connection with an API key has a session."
  }
  assert {
    condition = aws_lambda_function.mirror[0].environment[0].variables == tomap({
      ENVIRONMENT                  = "prod"
      MIRROR_TABLE                 = "odoo-mirror-prod"
      ODOO_API_URL                 = "https://example.odoo.com"
      ODOO_SECRET_ARN              = "arn:aws:secretsmanager:us-west-2:123456789012:secret:odoo"
      ERP_SECRET_ARN               = "arn:aws:secretsmanager:us-west-2:123456789012:secret:erp"
      ERP_SESSION_SECRET_PREFIX    = "odoo-erp-session-prod/"
      ALLOWED_PRIVATE_NETWORKS     = ""
      SECRETS_VERSION              = "3"
      POWERTOOLS_METRICS_NAMESPACE = "OdooQuickBooks/prod"
      POWERTOOLS_SERVICE_NAME      = "mirror"
      ERP_CONNECTIONS = jsonencode({
        ledger = { auth = "session", companies = ["North Ltd", 3], database = "ledger", type = "odoo", url = "https://ledger.example.com", username = "mirror" }
        shop   = { auth = "api_key", database = "shop", type = "odoo", url = "https://shop.example.com", username = "mirror" }
      })
    })
    error_message = "The function's environment has a variable more or less, or another value."
  }
  assert {
    condition = (
      aws_lambda_function.mirror[0].handler == "mirror.lambda_handler" && aws_lambda_function.mirror[0].runtime == "python3.12"
      && aws_lambda_function.mirror[0].timeout == 300 && aws_lambda_function.mirror[0].memory_size == 512 && aws_cloudwatch_log_group.mirror[0].retention_in_days == 365
    )
    error_message = "The function has another handler, size or log."
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role.mirror[0].assume_role_policy).Statement : [statement.Effect, statement.Action, statement.Principal]] == [
      ["Allow", "sts:AssumeRole", { Service = "lambda.amazonaws.com" }],
    ]
    error_message = "Others than Lambda may take the role."
  }
  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.mirror[0].policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : "${statement.Effect} ${action} ${resource}"]
      ]])) == toset([
      "Allow secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:odoo",
      "Allow secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:erp",
      "Allow secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:session-ledger",
      "Allow secretsmanager:PutSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:session-ledger",
      "Allow dynamodb:BatchGetItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:BatchWriteItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:DeleteItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/mirror/index/by-partner",
      "Allow sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:mirror-failures",
      "Allow logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:mirror:*",
      "Allow logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:mirror:*",
    ])
    error_message = "The mirror may do more or less than the list says."
  }
  assert {
    condition = { for index in aws_dynamodb_table.mirror[0].global_secondary_index : index.name => [index.hash_key, index.range_key, index.projection_type] } == {
      by-month   = ["month", "written", "KEYS_ONLY"]
      by-partner = ["partner", "pk", "KEYS_ONLY"]
    } && [aws_dynamodb_table.mirror[0].hash_key, aws_dynamodb_table.mirror[0].range_key] == ["pk", "sk"]
    error_message = "The table's keys or indexes changed."
  }
  assert {
    condition = alltrue([
      aws_dynamodb_table.mirror[0].stream_view_type == "NEW_AND_OLD_IMAGES", aws_dynamodb_table.mirror[0].ttl[0].attribute_name == "expires_at",
      aws_dynamodb_table.mirror[0].point_in_time_recovery[0].enabled, aws_dynamodb_table.mirror[0].server_side_encryption[0].enabled,
      aws_dynamodb_table.mirror[0].deletion_protection_enabled, aws_dynamodb_table.mirror[0].billing_mode == "PAY_PER_REQUEST",
    ])
    error_message = "The table has lost its stream, its time to live, its recovery, its encryption or its protection."
  }
  assert {
    condition = { for name, target in aws_cloudwatch_event_target.mirror : name => [aws_cloudwatch_event_rule.mirror[name].schedule_expression, jsondecode(target.input), aws_cloudwatch_event_rule.mirror[name].state] } == {
      sync-all  = ["rate(1 minute)", { task = "sync_all" }, "ENABLED"]
      sync-full = ["rate(1 day)", { task = "sync_all", full = true }, "ENABLED"]
    } && alltrue([for permission in aws_lambda_permission.mirror : permission.principal == "events.amazonaws.com" && permission.source_arn != null])
    error_message = "A schedule calls at another time or with another input, or others may call."
  }
  assert {
    condition = (
      aws_lambda_function_event_invoke_config.mirror[0].destination_config[0].on_failure[0].destination == aws_sqs_queue.mirror_failures[0].arn
      && aws_lambda_function_event_invoke_config.mirror[0].maximum_retry_attempts == 1
      && aws_sqs_queue.mirror_failures[0].message_retention_seconds == 1209600 && aws_sqs_queue.mirror_failures[0].sqs_managed_sse_enabled
    )
    error_message = "A failed run of the mirror is not kept."
  }
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.mirror : key => join(" ", concat(
      [alarm.namespace, alarm.metric_name], values(alarm.dimensions),
      [alarm.statistic, alarm.comparison_operator, tostring(alarm.threshold)],
      ["${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} x ${alarm.period} s,", alarm.treat_missing_data],
      )) } == {
      mirror_is_old   = "OdooQuickBooks/prod MirrorAgeMinutes Minimum GreaterThanThreshold 3 1 of 3 x 300 s, missing"
      mirror_fails    = "AWS/Lambda Errors odoo-mirror-prod Minimum GreaterThanOrEqualToThreshold 1 1 of 1 x 300 s, notBreaching"
      mirror_failures = "AWS/SQS ApproximateNumberOfMessagesVisible odoo-mirror-failures-prod Maximum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
    }
    error_message = "An alarm looks at something else, or there is one more or less: each metric costs $0.10 a month."
  }
  assert {
    condition = alltrue([for alarm in aws_cloudwatch_metric_alarm.mirror :
      alarm.actions_enabled && alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && length(alarm.alarm_description) >= 80 && length(alarm.alarm_description) <= 1024
      && (alarm.treat_missing_data != "missing" || alarm.insufficient_data_actions == toset([aws_sns_topic.alerts.arn]))
    ])
    error_message = "An alarm tells nobody, or does not say what to do."
  }

  # The intake has what it needs and nothing else.
  assert {
    condition = output.intake_function_names == {
      validate_invoice  = "validate-invoice-prod"
      process_invoice   = "process-invoice-prod"
      send_notification = "send-notification-prod"
    } && aws_sfn_state_machine.intake[0].name == "invoice-automation-workflow-prod" && output.intake_table == "odoo-intake-prod" && aws_sns_topic.intake[0].name == "odoo-intake-prod"
    error_message = "A name changed that other systems rely on."
  }
  assert {
    condition = { for key, function in aws_lambda_function.intake : key => { for name, value in function.environment[0].variables : name => value if !contains(["ENVIRONMENT", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"], name) } } == {
      validate_invoice = { INTAKE_TIME_ZONE = "Europe/Paris", INTAKE_MAXIMUM_AMOUNT = "50000.5" }
      process_invoice  = { INTAKE_TABLE = "odoo-intake-prod", INTAKE_TIME_ZONE = "Europe/Paris" }
      send_notification = {
        INTAKE_TABLE     = "odoo-intake-prod"
        INTAKE_TOPIC     = "arn:aws:sns:us-west-2:123456789012:intake"
        INTAKE_SENDER    = "billing@example.com"
        SLACK_SECRET_ARN = "arn:aws:secretsmanager:us-west-2:123456789012:secret:slack"
        SLACK_API_URL    = "https://slack.com/api/"
        SLACK_CHANNEL_ID = "C9876543210"
        SECRETS_VERSION  = "3"
      }
    }
    error_message = "A function's environment has a variable more or less, or another value."
  }
  assert {
    condition = alltrue([for key, function in aws_lambda_function.intake :
      function.handler == "intake.${key}" && function.runtime == "python3.12" && function.environment[0].variables["POWERTOOLS_SERVICE_NAME"] == key && aws_cloudwatch_log_group.intake[key].retention_in_days == 365
    ])
    error_message = "A function has another handler, service name or log."
  }
  assert {
    condition = { for key, policy in aws_iam_role_policy.intake : key => toset(flatten([for statement in jsondecode(policy.policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : "${statement.Effect} ${action} ${resource}"] if !startswith(statement.Action[0], "logs:")
      ]])) } == {
      validate_invoice = toset([])
      process_invoice = toset([
        "Allow dynamodb:BatchGetItem arn:aws:dynamodb:us-west-2:123456789012:table/intake",
        "Allow dynamodb:PutItem arn:aws:dynamodb:us-west-2:123456789012:table/intake",
        "Allow dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/intake",
      ])
      send_notification = toset([
        "Allow dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/intake",
        "Allow dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/intake",
        "Allow sns:Publish arn:aws:sns:us-west-2:123456789012:intake",
        "Allow secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:slack",
        "Allow ses:SendEmail arn:aws:ses:us-west-2:123456789012:identity/billing@example.com",
        "Allow ses:SendEmail arn:aws:ses:us-west-2:123456789012:identity/example.com",
      ])
    }
    error_message = "A function may do more or less than the list says."
  }
  assert {
    condition = alltrue([for role in aws_iam_role.intake : [for statement in jsondecode(role.assume_role_policy).Statement : [statement.Effect, statement.Action, statement.Principal]] == [
      ["Allow", "sts:AssumeRole", { Service = "lambda.amazonaws.com" }],
      ]]) && [for statement in jsondecode(aws_iam_role.intake_workflow[0].assume_role_policy).Statement : [statement.Effect, statement.Action, statement.Principal, statement.Condition]] == [
      ["Allow", "sts:AssumeRole", { Service = "states.amazonaws.com" }, { StringEquals = { "aws:SourceAccount" = "123456789012" } }],
    ]
    error_message = "Others than Lambda, or than Step Functions for this account, may take a role."
  }
  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.intake_workflow[0].policy).Statement : statement.Sid => statement.Resource } == {
      CallFunctions = [for name in ["process", "notify", "validate"] : "arn:aws:lambda:us-west-2:123456789012:function:${name}"]
      DeliverLogs   = ["*"]
      } && alltrue([for statement in jsondecode(aws_iam_role_policy.intake_workflow[0].policy).Statement : statement.Sid == "CallFunctions" ? statement.Action == ["lambda:InvokeFunction"] :
        alltrue([for action in statement.Action : can(regex("^logs:[A-Za-z]*(LogDelivery|LogDeliveries|ResourcePolic(y|ies)|LogGroups)$", action))])
    ])
    error_message = "The state machine may do more than call its functions and deliver its log."
  }
  assert {
    condition = (
      toset(keys(jsondecode(aws_sfn_state_machine.intake[0].definition).States)) == toset(["ValidateInvoice", "IsValid", "ProcessInvoice", "SendNotification", "NotifyFailure", "Failed"])
      && [for state in ["ValidateInvoice", "ProcessInvoice", "SendNotification", "NotifyFailure"] : jsondecode(aws_sfn_state_machine.intake[0].definition).States[state].Arguments.FunctionName]
      == [for name in ["validate", "process", "notify", "notify"] : "arn:aws:lambda:us-west-2:123456789012:function:${name}"]
    )
    error_message = "A state calls another function, or there is one more or less."
  }
  assert {
    condition = (
      aws_sfn_state_machine.intake[0].type == "STANDARD" && aws_sfn_state_machine.intake[0].logging_configuration[0].level == "ALL"
      && aws_sfn_state_machine.intake[0].logging_configuration[0].include_execution_data == false
      && aws_cloudwatch_log_group.intake_workflow[0].name == "/aws/vendedlogs/states/invoice-automation-workflow-prod"
    )
    error_message = "The log would hold the data of invoices, which name people."
  }
  assert {
    condition = alltrue([
      aws_dynamodb_table.intake[0].hash_key == "pk", aws_dynamodb_table.intake[0].ttl[0].attribute_name == "expires_at", aws_dynamodb_table.intake[0].point_in_time_recovery[0].enabled,
      aws_dynamodb_table.intake[0].server_side_encryption[0].enabled, aws_dynamodb_table.intake[0].deletion_protection_enabled, aws_dynamodb_table.intake[0].billing_mode == "PAY_PER_REQUEST",
    ])
    error_message = "The table has lost its key, its recovery, its encryption or its protection."
  }
  assert {
    condition     = jsondecode(aws_sns_topic_subscription.intake[0].filter_policy) == { outcome = ["conflict", "failed", "invalid"] } && aws_sns_topic_subscription.intake[0].endpoint == "bills@example.com"
    error_message = "Others than those who get the alerts, or other outcomes than those that need a person, are mailed."
  }
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.intake : key => join(" ", concat(
      [alarm.namespace, alarm.metric_name], values(alarm.dimensions),
      [alarm.statistic, alarm.comparison_operator, tostring(alarm.threshold)],
      ["${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} x ${alarm.period} s,", alarm.treat_missing_data],
      )) } == {
      intake_fails        = "AWS/States ExecutionsFailed arn:aws:states:us-west-2:123456789012:stateMachine:intake Sum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      intake_times_out    = "AWS/States ExecutionsTimedOut arn:aws:states:us-west-2:123456789012:stateMachine:intake Sum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      intake_is_throttled = "AWS/States ExecutionThrottled arn:aws:states:us-west-2:123456789012:stateMachine:intake Sum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
    }
    error_message = "An alarm looks at something else, or there is one more or less: each metric costs $0.10 a month."
  }
  assert {
    condition = alltrue([for alarm in aws_cloudwatch_metric_alarm.intake :
      alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && length(alarm.alarm_description) >= 80 && length(alarm.alarm_description) <= 1024
    ])
    error_message = "An alarm tells nobody, or does not say what to do."
  }
}

run "no_alarm_looks_back_further_than_aws_lets_it" {
  command = plan

  variables {
    schedule_rate  = "rate(30 days)"
    mirror_enabled = true
    mirror_rate    = "rate(30 days)"
  }

  # No alarm looks back further than AWS lets it.
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.alarm :
      alarm.period % 60 == 0 && alarm.period * alarm.evaluation_periods <= (alarm.period < 3600 ? 86400 : 604800)
    ])
    error_message = "AWS would refuse an alarm: a week is the most, a day where periods are shorter than an hour."
  }

  # No alarm of the mirror looks back further than AWS lets it.
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.mirror :
      alarm.period % 60 == 0 && alarm.period * alarm.evaluation_periods <= (alarm.period < 3600 ? 86400 : 604800)
    ])
    error_message = "AWS would refuse an alarm: a week is the most, a day where periods are shorter than an hour."
  }
}

# --- The webhook ---

run "the_webhook_has_what_it_needs_and_nothing_else" {
  variables {
    mirror_enabled  = true
    secrets_version = 3
    webhook_url     = "https://example.com/hooks/odoo?from=odoo"
    webhook_secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_kinds   = ["move", "payment", "contact"]
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = { ledger = "key" }
  }

  assert {
    condition = output.webhook_function_names == { webhook = "odoo-webhook-prod", webhook_feed = "odoo-webhook-feed-prod" } && [
      aws_sqs_queue.webhook[0].name, aws_sqs_queue.webhook_dead[0].name, aws_sqs_queue.webhook_failures[0].name, aws_secretsmanager_secret.webhook[0].name,
    ] == ["odoo-webhook-prod.fifo", "odoo-webhook-dlq-prod.fifo", "odoo-webhook-failures-prod", "odoo-webhook-secret-prod"]
    error_message = "A name changed that other systems rely on."
  }
  assert {
    condition     = output.webhook_queue_urls == { waiting = "https://sqs/webhook.fifo", dead = "https://sqs/webhook-dlq.fifo" }
    error_message = "The outputs name other queues."
  }
  assert {
    condition = aws_lambda_function.webhook["webhook"].environment[0].variables == tomap({
      ENVIRONMENT                  = "prod"
      MIRROR_TABLE                 = "odoo-mirror-prod"
      WEBHOOK_URL                  = "https://example.com/hooks/odoo?from=odoo"
      WEBHOOK_SECRET_ARN           = "arn:aws:secretsmanager:us-west-2:123456789012:secret:webhook"
      WEBHOOK_QUEUE_URL            = "https://sqs/webhook.fifo"
      WEBHOOK_DEAD_QUEUE_URL       = "https://sqs/webhook-dlq.fifo"
      ALLOWED_PRIVATE_NETWORKS     = ""
      SNS_ALERT_TOPIC              = "arn:aws:sns:us-west-2:123456789012:alerts"
      SECRETS_VERSION              = "3"
      POWERTOOLS_METRICS_NAMESPACE = "OdooQuickBooks/prod"
      POWERTOOLS_SERVICE_NAME      = "webhook"
      }) && aws_lambda_function.webhook["webhook_feed"].environment[0].variables == tomap({
      ENVIRONMENT                  = "prod"
      MIRROR_TABLE                 = "odoo-mirror-prod"
      WEBHOOK_QUEUE_URL            = "https://sqs/webhook.fifo"
      WEBHOOK_FAILURES_URL         = "https://sqs/webhook-failures"
      WEBHOOK_KINDS                = "move,payment,contact"
      WEBHOOK_FIRST_LOAD           = "false"
      WEBHOOK_CONNECTIONS          = "ledger"
      POWERTOOLS_METRICS_NAMESPACE = "OdooQuickBooks/prod"
      POWERTOOLS_SERVICE_NAME      = "webhook_feed"
    })
    error_message = "A function's environment has a variable more or less, or another value."
  }
  assert {
    condition = { for key, function in aws_lambda_function.webhook : key => join(" ", [
      function.handler, basename(function.filename), function.runtime, function.architectures[0], tostring(function.timeout), tostring(function.memory_size), aws_cloudwatch_log_group.webhook[key].name
      ]) } == {
      webhook      = "webhook.lambda_handler webhook.zip python3.12 arm64 120 256 /aws/lambda/odoo-webhook-prod"
      webhook_feed = "webhook_feed.lambda_handler webhook.zip python3.12 arm64 120 256 /aws/lambda/odoo-webhook-feed-prod"
    }
    error_message = "A function has another handler, package, size or log."
  }
  assert {
    condition = alltrue([for role in aws_iam_role.webhook : [for statement in jsondecode(role.assume_role_policy).Statement : [statement.Effect, statement.Action, statement.Principal]] == [
      ["Allow", "sts:AssumeRole", { Service = "lambda.amazonaws.com" }],
    ]])
    error_message = "Others than Lambda may take a role."
  }
  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.webhook["webhook"].policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : join(" ", compact([
        statement.Effect, action, resource, try("of ${join(" ", statement.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])}", ""),
      ]))]
      ]])) == toset([
      "Allow secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:webhook",
      "Allow sqs:ChangeMessageVisibility arn:aws:sqs:us-west-2:123456789012:webhook.fifo",
      "Allow sqs:DeleteMessage arn:aws:sqs:us-west-2:123456789012:webhook.fifo",
      "Allow sqs:GetQueueAttributes arn:aws:sqs:us-west-2:123456789012:webhook.fifo",
      "Allow sqs:ReceiveMessage arn:aws:sqs:us-west-2:123456789012:webhook.fifo",
      "Allow sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:webhook.fifo",
      "Allow sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:webhook-dlq.fifo",
      "Allow sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:webhook-failures",
      "Allow dynamodb:BatchGetItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#*",
      "Allow dynamodb:BatchWriteItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#*",
      "Allow dynamodb:DeleteItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#*",
      "Allow dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#*",
      "Allow dynamodb:PutItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#*",
      "Allow dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#*",
      "Allow dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#*",
      "Allow dynamodb:GetItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of *#contact#*",
      "Allow sns:Publish arn:aws:sns:us-west-2:123456789012:alerts",
      "Allow logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:webhook:*",
      "Allow logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:webhook:*",
    ])
    error_message = "The sender may do more or less than the list says."
  }
  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.webhook["webhook_feed"].policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : join(" ", compact([
        statement.Effect, action, resource, try("of ${join(" ", statement.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])}", ""),
      ]))]
      ]])) == toset([
      "Allow dynamodb:DescribeStream arn:aws:dynamodb:us-west-2:123456789012:table/mirror/stream/1",
      "Allow dynamodb:GetRecords arn:aws:dynamodb:us-west-2:123456789012:table/mirror/stream/1",
      "Allow dynamodb:GetShardIterator arn:aws:dynamodb:us-west-2:123456789012:table/mirror/stream/1",
      "Allow dynamodb:ListStreams arn:aws:dynamodb:us-west-2:123456789012:table/mirror/stream/*",
      "Allow dynamodb:BatchGetItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/mirror/index/by-month",
      "Allow dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror of webhook#content",
      "Allow sqs:GetQueueAttributes arn:aws:sqs:us-west-2:123456789012:webhook.fifo",
      "Allow sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:webhook.fifo",
      "Allow sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:webhook-failures",
      "Allow logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:webhook-feed:*",
      "Allow logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:webhook-feed:*",
    ])
    error_message = "The feed may do more or less than the list says."
  }
  assert {
    condition = alltrue([for queue in [aws_sqs_queue.webhook[0], aws_sqs_queue.webhook_dead[0]] :
      queue.fifo_queue && queue.deduplication_scope == "messageGroup" && queue.fifo_throughput_limit == "perMessageGroupId"
      && queue.message_retention_seconds == 1209600 && queue.sqs_managed_sse_enabled
    ]) && aws_sqs_queue.webhook[0].visibility_timeout_seconds == 6 * aws_lambda_function.webhook["webhook"].timeout
    error_message = "A queue orders, keeps, encrypts or hides its messages otherwise."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.webhook[0].redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:us-west-2:123456789012:webhook-dlq.fifo", maxReceiveCount = 1000 }
    error_message = "What stops the sender each time ends elsewhere, or earlier: an outage of 22 hours takes some six hundred receives."
  }
  assert {
    condition = (
      aws_lambda_event_source_mapping.webhook[0].event_source_arn == aws_sqs_queue.webhook[0].arn && aws_lambda_event_source_mapping.webhook[0].batch_size == 10
      && aws_lambda_event_source_mapping.webhook[0].function_response_types == toset(["ReportBatchItemFailures"])
      && aws_lambda_event_source_mapping.webhook[0].scaling_config[0].maximum_concurrency == 2
      && aws_lambda_event_source_mapping.webhook_feed[0].event_source_arn == aws_dynamodb_table.mirror[0].stream_arn
      && aws_lambda_event_source_mapping.webhook_feed[0].starting_position == "TRIM_HORIZON" && aws_lambda_event_source_mapping.webhook_feed[0].parallelization_factor == 1
      && aws_lambda_event_source_mapping.webhook_feed[0].bisect_batch_on_function_error && aws_lambda_event_source_mapping.webhook_feed[0].maximum_retry_attempts == -1
      && aws_lambda_event_source_mapping.webhook_feed[0].function_response_types == toset(["ReportBatchItemFailures"])
      && aws_lambda_event_source_mapping.webhook_feed[0].destination_config[0].on_failure[0].destination_arn == aws_sqs_queue.webhook_failures[0].arn
    )
    error_message = "A change may be lost, or overtake another of its record."
  }
  assert {
    condition = toset([for filter in aws_lambda_event_source_mapping.webhook_feed[0].filter_criteria[0].filter : filter.pattern]) == toset([
      jsonencode({ dynamodb = { NewImage = { hash = { S = [{ exists = true }] } } } }),
      jsonencode({ eventName = ["REMOVE"], dynamodb = { OldImage = { hash = { S = [{ exists = true }] } } } }),
    ])
    error_message = "The feed is called for other items, such as those the webhook itself keeps: that would never end."
  }
  assert {
    condition = (
      aws_cloudwatch_event_rule.webhook_digest[0].schedule_expression == "rate(1 hour)" && aws_cloudwatch_event_rule.webhook_digest[0].state == "ENABLED"
      && jsondecode(aws_cloudwatch_event_target.webhook_digest[0].input) == { task = "digest" }
      && aws_lambda_permission.webhook_digest[0].principal == "events.amazonaws.com" && aws_lambda_permission.webhook_digest[0].source_arn == aws_cloudwatch_event_rule.webhook_digest[0].arn
      && aws_lambda_function_event_invoke_config.webhook[0].destination_config[0].on_failure[0].destination == aws_sqs_queue.webhook_failures[0].arn
    )
    error_message = "Refusals are mailed at another time or not at all, or others may call."
  }
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.webhook : key => join(" ", concat(
      [alarm.namespace, alarm.metric_name], values(alarm.dimensions),
      [alarm.statistic, alarm.comparison_operator, tostring(alarm.threshold)],
      ["${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} x ${alarm.period} s,", alarm.treat_missing_data],
      )) } == {
      webhook_is_late      = "AWS/SQS ApproximateAgeOfOldestMessage odoo-webhook-prod.fifo Maximum GreaterThanThreshold 3600 1 of 1 x 300 s, notBreaching"
      webhook_dead         = "AWS/SQS ApproximateNumberOfMessagesVisible odoo-webhook-dlq-prod.fifo Maximum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      webhook_is_paused    = "OdooQuickBooks/prod WebhookPaused Maximum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      webhook_refuses      = "OdooQuickBooks/prod WebhookRefused Sum GreaterThanThreshold 100 1 of 1 x 3600 s, notBreaching"
      webhook_fails        = "AWS/Lambda Errors odoo-webhook-prod Sum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
      webhook_feed_is_late = "AWS/Lambda IteratorAge odoo-webhook-feed-prod Maximum GreaterThanThreshold 3600000 1 of 1 x 300 s, notBreaching"
      webhook_failures     = "AWS/SQS ApproximateNumberOfMessagesVisible odoo-webhook-failures-prod Maximum GreaterThanThreshold 0 1 of 1 x 300 s, notBreaching"
    }
    error_message = "An alarm looks at something else, or there is one more or less: each metric costs $0.10 a month."
  }
  assert {
    condition = alltrue([for alarm in aws_cloudwatch_metric_alarm.webhook :
      alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && length(alarm.alarm_description) >= 80 && length(alarm.alarm_description) <= 1024
    ])
    error_message = "An alarm tells nobody, or does not say what to do."
  }
}

run "a_webhook_on_this_machine_may_be_reached_without_tls" {
  command = plan

  variables {
    mirror_enabled           = true
    schedules_enabled        = false
    webhook_url              = "http://127.0.0.1:8701/webhook"
    webhook_secret           = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_previous_secret  = "whsec_bXlzZWNyZXRteXNlY3JldG15c2VjcmV0bXk="
    webhook_first_load       = true
    allowed_private_networks = ["127.0.0.0/8"]
    api_enabled              = true
    api_tokens               = { reporting = "reporting-0123456789-0123456789-0123456789" }
  }

  # A webhook on this machine may be reached without TLS.
  assert {
    condition     = aws_lambda_function.webhook["webhook_feed"].environment[0].variables["WEBHOOK_FIRST_LOAD"] == "true" && aws_lambda_function.webhook["webhook"].environment[0].variables["ALLOWED_PRIVATE_NETWORKS"] == "127.0.0.0/8"
    error_message = "A switch does not switch."
  }
  assert {
    condition     = aws_cloudwatch_event_rule.webhook_digest[0].state == "DISABLED"
    error_message = "A schedule runs though the schedules are off."
  }

  # An API of a resting mirror is never called old.
  assert {
    condition     = local.mirror_stale_seconds == 0
    error_message = "Without schedules the API would be unhealthy for good."
  }
}

# --- The API ---

run "the_api_has_what_it_needs_and_nothing_else" {
  variables {
    mirror_enabled      = true
    api_enabled         = true
    api_tokens          = { reporting = "reporting-0123456789-0123456789-0123456789" }
    api_previous_tokens = { reporting = "reporting-before-0123456789-0123456789" }
    secrets_version     = 4
  }

  # The API has what it needs and nothing else.
  assert {
    condition     = output.api_url == "https://a1b2c3.execute-api.us-west-2.amazonaws.com" && aws_lambda_function.api[0].function_name == "odoo-api-prod" && aws_secretsmanager_secret.api_tokens[0].name == "odoo-api-tokens-prod"
    error_message = "A name changed that other systems rely on."
  }
  assert {
    condition = {
      for name, value in aws_lambda_function.api[0].environment[0].variables : name => value if name != "TASK_SCHEDULES"
      } == {
      API_SECRET_ARN          = "arn:aws:secretsmanager:us-west-2:123456789012:secret:api-tokens"
      ENVIRONMENT             = "prod"
      ERP_CONNECTIONS         = "{}"
      MIRROR_STALE_SECONDS    = "900"
      MIRROR_TABLE            = "odoo-mirror-prod"
      POWERTOOLS_SERVICE_NAME = "api"
      SECRETS_VERSION         = "4"
    } && aws_lambda_function.api[0].environment[0].variables["TASK_SCHEDULES"] == aws_lambda_function.mirror[0].environment[0].variables["TASK_SCHEDULES"]
    error_message = "The API's environment has more or less than it reads."
  }
  assert {
    condition = (
      aws_lambda_function.api[0].handler == "api.lambda_handler" && aws_lambda_function.api[0].runtime == "python3.12"
      && aws_lambda_function.api[0].timeout < 30 && aws_cloudwatch_log_group.api[0].retention_in_days == 365
    )
    error_message = "The function would be started wrongly, or go on after its client was answered."
  }
  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.api[0].policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : "${statement.Effect} ${action} ${resource}${try(" where ${jsonencode(statement.Condition)}", "")}"]
      ] if !contains(keys(local.api_schedule_grants), statement.Sid)])) == toset([
      "Allow secretsmanager:GetSecretValue arn:aws:secretsmanager:us-west-2:123456789012:secret:api-tokens",
      "Allow dynamodb:BatchGetItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/mirror",
      "Allow dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/mirror/index/by-month",
      "Allow dynamodb:Query arn:aws:dynamodb:us-west-2:123456789012:table/mirror/index/by-partner",
      "Allow dynamodb:UpdateItem arn:aws:dynamodb:us-west-2:123456789012:table/mirror where {\"ForAllValues:StringLike\":{\"dynamodb:LeadingKeys\":[\"api#sign-in#*\"]}}",
      "Allow logs:CreateLogStream arn:aws:logs:us-west-2:123456789012:log-group:api:*",
      "Allow logs:PutLogEvents arn:aws:logs:us-west-2:123456789012:log-group:api:*",
    ]) && length(jsondecode(aws_iam_role_policy.api[0].policy).Statement) == 5 + length(local.api_schedule_grants)
    error_message = "The API may do more or less than the list says."
  }
  assert {
    condition = (
      aws_apigatewayv2_api.api[0].protocol_type == "HTTP" && length(aws_apigatewayv2_api.api[0].cors_configuration) == 0
      && aws_apigatewayv2_route.api[0].route_key == "$default" && aws_apigatewayv2_integration.api[0].payload_format_version == "2.0"
      && !aws_apigatewayv2_api.api[0].disable_execute_api_endpoint
    )
    error_message = "The HTTP API takes requests of other sites, or hands them over in another form."
  }
  assert {
    condition     = aws_apigatewayv2_stage.api[0].default_route_settings[0].throttling_rate_limit == 20 && aws_apigatewayv2_stage.api[0].default_route_settings[0].throttling_burst_limit == 40
    error_message = "Requests are not throttled."
  }
  assert {
    condition = toset(values(jsondecode(aws_apigatewayv2_stage.api[0].access_log_settings[0].format))) == toset([
      "$context.requestTime", "$context.requestId", "$context.identity.sourceIp", "$context.httpMethod", "$context.path",
      "$context.status", "$context.responseLength", "$context.responseLatency", "$context.error.message",
    ]) && aws_cloudwatch_log_group.api_requests[0].name == "/aws/vendedlogs/odoo-api-prod" && aws_cloudwatch_log_group.api_requests[0].retention_in_days == 365
    error_message = "The log of requests could hold tokens or query strings, or is not kept as others are."
  }
  assert {
    condition     = aws_lambda_permission.api[0].principal == "apigateway.amazonaws.com" && aws_lambda_permission.api[0].source_arn == "arn:aws:execute-api:us-west-2:123456789012:a1b2c3/*/$default"
    error_message = "Others than this HTTP API may start the function."
  }
  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.api : key => join(" ", concat(
      [alarm.namespace, alarm.metric_name], values(alarm.dimensions),
      [alarm.statistic, alarm.comparison_operator, tostring(alarm.threshold)],
      ["${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} x ${alarm.period} s,", alarm.treat_missing_data],
      )) } == {
      api_5xx = "AWS/ApiGateway 5xx a1b2c3 Sum GreaterThanThreshold 5 1 of 1 x 300 s, notBreaching"
      api_4xx = "AWS/ApiGateway 4xx a1b2c3 Sum GreaterThanThreshold 200 1 of 1 x 300 s, notBreaching"
    }
    error_message = "An alarm looks at something else, or there is one more or less: each metric costs $0.10 a month."
  }
  assert {
    condition = alltrue([for alarm in aws_cloudwatch_metric_alarm.api :
      alarm.actions_enabled != false && alarm.alarm_actions == toset([aws_sns_topic.alerts.arn]) && length(alarm.alarm_description) >= 80 && length(alarm.alarm_description) <= 1024
    ])
    error_message = "An alarm tells nobody, or does not say what to do."
  }

  # Schedules start the mirror and nothing else.
  assert {
    condition     = aws_scheduler_schedule_group.tasks[0].name == "odoo-tasks-prod" && aws_sqs_queue.task_failures[0].name == "odoo-tasks-failures-prod"
    error_message = "A name changed that other systems rely on."
  }
  assert {
    condition = jsondecode(aws_lambda_function.mirror[0].environment[0].variables["TASK_SCHEDULES"]) == {
      group           = "odoo-tasks-prod"
      function_arn    = "arn:aws:lambda:us-west-2:123456789012:function:odoo-mirror-prod"
      role_arn        = "arn:aws:iam::123456789012:role/tasks"
      dead_letter_arn = "arn:aws:sqs:us-west-2:123456789012:task-failures"
    }
    error_message = "The mirror would put schedules back that start something else."
  }
  assert {
    condition = jsondecode(aws_iam_role.tasks[0].assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = {
        "aws:SourceAccount" = "123456789012"
        "aws:SourceArn"     = "arn:aws:scheduler:us-west-2:123456789012:schedule-group/odoo-tasks-prod"
      } }
    }]
    error_message = "Others than the schedules of this group may take the role."
  }
  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.tasks[0].policy).Statement : [
      for resource in statement.Resource : [for action in statement.Action : "${statement.Effect} ${action} ${resource}"]
      ]])) == toset([
      "Allow lambda:InvokeFunction ${aws_lambda_function.mirror[0].arn}",
      "Allow sqs:SendMessage arn:aws:sqs:us-west-2:123456789012:task-failures",
    ])
    error_message = "A schedule may do more or less than start the mirror and report what could not start."
  }
  assert {
    condition = toset(flatten([for need, grant in local.api_schedule_grants : [
      for resource in grant.resources : [for action in grant.actions : "${action} ${resource}${try(" where ${jsonencode(grant.condition)}", "")}"]
      ]])) == toset(concat(
      [for action in ["CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule"] : "scheduler:${action} arn:aws:scheduler:us-west-2:123456789012:schedule/odoo-tasks-prod/*"],
      ["scheduler:ListSchedules *"],
      ["iam:PassRole arn:aws:iam::123456789012:role/tasks where {\"StringEquals\":{\"iam:PassedToService\":\"scheduler.amazonaws.com\"}}"],
      [for action in ["DeleteItem", "GetItem", "Query", "UpdateItem"] : "dynamodb:${action} arn:aws:dynamodb:us-west-2:123456789012:table/mirror where {\"ForAllValues:StringEquals\":{\"dynamodb:LeadingKeys\":[\"api#schedules\"]}}"],
    ))
    error_message = "The API may do more or less with schedules than the list says."
  }
  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.mirror[0].policy).Statement : statement.Sid => statement
      if contains(["KeepSchedules", "ListSchedules", "PassTheSchedulesRole"], statement.Sid)
      } == {
      for need, grant in local.schedule_grants : need => merge({ Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources }, try({ Condition = grant.condition }, {}))
    } && length(jsondecode(aws_iam_role_policy.mirror[0].policy).Statement) == 8
    error_message = "The mirror may repair schedules with more or less than the API makes them with."
  }
  assert {
    condition = (
      aws_sqs_queue.task_failures[0].sqs_managed_sse_enabled && aws_sqs_queue.task_failures[0].message_retention_seconds == 1209600
      && aws_cloudwatch_metric_alarm.task_failures[0].dimensions == tomap({ QueueName = "odoo-tasks-failures-prod" })
      && aws_cloudwatch_metric_alarm.task_failures[0].alarm_actions == toset([aws_sns_topic.alerts.arn])
      && length(aws_cloudwatch_metric_alarm.task_failures[0].alarm_description) <= 1024
    )
    error_message = "What could not start is not kept, or nobody hears of it."
  }
}

run "an_api_with_a_domain_answers_only_there" {
  variables {
    mirror_enabled      = true
    api_enabled         = true
    api_tokens          = { reporting = "reporting-0123456789-0123456789-0123456789" }
    api_domain          = "odoo-api.example.com"
    api_certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100"
    api_allowed_origins = ["https://reports.example.com"]
    intake_enabled      = true
  }

  # An API with a domain answers only there.
  assert {
    condition     = output.api_url == "https://odoo-api.example.com" && output.api_domain_target != null && aws_apigatewayv2_api.api[0].disable_execute_api_endpoint
    error_message = "The API still answers at another address, or its domain leads nowhere."
  }
  assert {
    condition     = aws_apigatewayv2_domain_name.api[0].domain_name_configuration[0].security_policy == "TLS_1_2" && aws_apigatewayv2_api_mapping.api[0].stage == aws_apigatewayv2_stage.api[0].id
    error_message = "The domain takes old TLS, or leads to another stage."
  }
  assert {
    condition     = aws_apigatewayv2_api.api[0].cors_configuration[0].allow_origins == toset(["https://reports.example.com"]) && aws_apigatewayv2_api.api[0].cors_configuration[0].allow_credentials != true
    error_message = "Other sites than those that were named may call, or with a person's session."
  }

  # An intake that announces only by SNS reads no secret and mails no customer.
  assert {
    condition = { for name, value in aws_lambda_function.intake["send_notification"].environment[0].variables : name => value if !contains(["ENVIRONMENT", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"], name) } == {
      INTAKE_TABLE = "odoo-intake-prod"
      INTAKE_TOPIC = "arn:aws:sns:us-west-2:123456789012:intake"
    }
    error_message = "Slack or SES would be used though nobody turned them on."
  }
  assert {
    condition     = toset([for statement in jsondecode(aws_iam_role_policy.intake["send_notification"].policy).Statement : statement.Sid]) == toset(["Announce", "ReadInvoicesAndNoteWhatWasAnnounced", "WriteLogs"])
    error_message = "The function may read a secret or send mail though nobody turned that on."
  }
}
