# --- The four functions ---
#
# Their permissions are in permissions.tf. The approval handler is a resource of its own: its address is
# in the notifier's environment, and a single resource for all four would depend on itself.
#
# No code reads ENVIRONMENT, or the notifier's APPROVAL_URL and S3_BUCKET. They are there so that anyone
# who opens a function in the console sees what belongs to it.

locals {
  functions = {
    extractor = {
      description    = "Reads bills and documents from Odoo, and retries what got stuck"
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
      description    = "Posts and updates the cards in Slack"
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
      description    = "Posts each approved bill to QuickBooks once"
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

  # In every function's environment. A changed version restarts the function, so that it reads the new
  # values. Both come from the stored resources, so that the values are there before it restarts.
  common_environment = {
    ENVIRONMENT    = var.environment
    DYNAMODB_TABLE = aws_dynamodb_table.bills.name
    SECRETS_VERSION = tostring(max(
      aws_secretsmanager_secret_version.odoo.secret_string_wo_version,
      aws_secretsmanager_secret_version.slack.secret_string_wo_version,
      aws_secretsmanager_secret_version.quickbooks.secret_string_wo_version,
    ))
    SETTINGS_TABLE               = aws_dynamodb_table_item.company_settings.table_name
    SETTINGS_VERSION             = substr(sha256(aws_dynamodb_table_item.company_settings.item), 0, 12)
    RECORD_RETENTION_DAYS        = tostring(var.record_retention_days)
    POWERTOOLS_METRICS_NAMESPACE = local.metric_namespace
  }
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_50: logs trace a bill by its entry_id, and X-Ray needs permissions on every resource
  #checkov:skip=CKV_AWS_116: the event invoke config, the stream mapping and the queue keep what fails
  #checkov:skip=CKV_AWS_117: it calls only services on the internet; a VPC would need a NAT gateway at $32 a month
  #checkov:skip=CKV_AWS_173: the environment holds no secrets, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh built; there is no third party in between
  for_each = local.functions

  function_name                  = local.names[each.key]
  description                    = each.value.description
  role                           = aws_iam_role.function[each.key].arn
  handler                        = "${each.key}.lambda_handler"
  filename                       = "${path.module}/lambda/${each.key}.zip"
  source_code_hash               = try(filebase64sha256("${path.module}/lambda/${each.key}.zip"), null)
  runtime                        = "python3.12"
  architectures                  = ["arm64"] # 20% cheaper, and the zips are pure Python
  timeout                        = each.value.timeout
  memory_size                    = each.value.memory
  reserved_concurrent_executions = lookup(var.reserved_concurrency, each.key, null)

  environment {
    variables = merge(local.common_environment, each.value.environment, { POWERTOOLS_SERVICE_NAME = each.key })
  }

  logging_config {
    log_format = "Text" # Powertools already writes JSON
    log_group  = each.value.log_group_name
  }

  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/lambda/${each.key}.zip")
      error_message = "lambda/${each.key}.zip is not there yet: run ./build.sh first."
    }
  }

  depends_on = [aws_iam_role_policy.function] # don't start it before its role may read what it needs
}

resource "aws_lambda_function" "approval_handler" {
  #checkov:skip=CKV_AWS_50: logs trace a bill by its entry_id, and X-Ray needs permissions on every resource
  #checkov:skip=CKV_AWS_116: it is called synchronously, so its caller sees the error
  #checkov:skip=CKV_AWS_117: it calls only services on the internet; a VPC would need a NAT gateway at $32 a month
  #checkov:skip=CKV_AWS_173: the environment holds no secrets, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh built; there is no third party in between
  function_name                  = local.names.approval_handler
  description                    = "Records the decisions made in Slack"
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

  depends_on = [aws_iam_role_policy.function] # don't start it before its role may read what it needs
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; secrets.tf says why none of ours
  for_each = local.names

  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_retention_days
}

# What still failed after the retries: runs of the extractor, stream records of the notifier.
resource "aws_sqs_queue" "failures" {
  for_each = toset(["extractor", "notifier"])

  name                      = "odoo-${each.key}-failures-${var.environment}"
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}
