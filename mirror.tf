# The mirror: a copy of Odoo's contacts, invoices, bills, payments, orders and accounts, and of those of
# erp_connections, in a table of its own. It stands beside the flow and shares only its Odoo secret, its
# topic and its names. All of it depends on mirror_enabled; nothing of the flow depends on any of it.

locals {
  mirror          = "odoo-mirror-${var.environment}"
  mirror_failures = "odoo-mirror-failures-${var.environment}"
  mirror_count    = var.mirror_enabled ? 1 : 0

  # Without what was given as null.
  erp_connections = {
    for id, connection in var.erp_connections : id => { for name, value in connection : name => value if value != null }
  }

  mirror_parts   = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.mirror_rate), ["1", "day"]) # for cron, a guess
  mirror_seconds = tonumber(local.mirror_parts[0]) * local.schedule_units[local.mirror_parts[1]]
  mirror_minutes = local.mirror_seconds / 60
}

# --- The records ---

# A partition is a thousand ids of one connection and kind. by-month serves what was written last, and
# by-partner finds what shows a contact's name once it is renamed.
resource "aws_dynamodb_table" "mirror" {
  #checkov:skip=CKV_AWS_119: secrets.tf says why no key of our own
  count = local.mirror_count

  name                        = local.mirror
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = local.in_production
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "sk"
    type = "S"
  }
  attribute {
    name = "month"
    type = "S"
  }
  attribute {
    name = "written"
    type = "S"
  }
  attribute {
    name = "partner"
    type = "S"
  }

  global_secondary_index {
    name            = "by-month"
    hash_key        = "month"
    range_key       = "written"
    projection_type = "KEYS_ONLY"
  }
  global_secondary_index {
    name            = "by-partner"
    hash_key        = "partner"
    range_key       = "pk"
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

# --- Secrets ---

# Both kinds are deleted at once: what is in them is given again by the next apply, or made anew by signing
# in. While AWS waited to delete them, a connection could not be added back under its name.

resource "aws_secretsmanager_secret" "erp_credentials" {
  #checkov:skip=CKV_AWS_149: secrets.tf says why no key of our own
  #checkov:skip=CKV2_AWS_57: the ERPs issue these by hand; secrets_version rotates them
  count = var.mirror_enabled && length(var.erp_connections) > 0 ? 1 : 0

  name                    = "odoo-erp-credentials-${var.environment}"
  description             = "API key or password of each connection in erp_connections"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "erp_credentials" {
  count = length(aws_secretsmanager_secret.erp_credentials)

  secret_id                = aws_secretsmanager_secret.erp_credentials[count.index].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo         = jsonencode(var.erp_credentials)
}

# Created empty: the mirror keeps each connection's session here, and Terraform never reads it.
resource "aws_secretsmanager_secret" "erp_session" {
  #checkov:skip=CKV_AWS_149: secrets.tf says why no key of our own
  #checkov:skip=CKV2_AWS_57: the mirror signs in anew when a session ends
  for_each = { for id, connection in local.erp_connections : id => connection if var.mirror_enabled && try(connection.auth, "") == "session" }

  name                    = "odoo-erp-session-${var.environment}/${each.key}"
  description             = "Current session of the connection ${each.key}, written only by the mirror"
  recovery_window_in_days = 0
}

# --- The function ---

resource "aws_lambda_function" "mirror" {
  #checkov:skip=CKV_AWS_50: logs say what each run did, and X-Ray needs permissions on every resource
  #checkov:skip=CKV_AWS_115: an account that has only ten runs cannot reserve any
  #checkov:skip=CKV_AWS_116: the event invoke config keeps what fails
  #checkov:skip=CKV_AWS_117: it calls only services on the internet; a VPC would need a NAT gateway at $32 a month
  #checkov:skip=CKV_AWS_173: the environment holds no secrets, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh built; there is no third party in between
  count = local.mirror_count

  function_name    = local.mirror
  description      = "Keeps a copy of Odoo's contacts, invoices, payments, orders and accounts"
  role             = aws_iam_role.mirror[0].arn
  handler          = "mirror.lambda_handler"
  filename         = "${path.module}/lambda/mirror.zip"
  source_code_hash = try(filebase64sha256("${path.module}/lambda/mirror.zip"), null)
  runtime          = "python3.12"
  architectures    = ["arm64"]
  timeout          = 300
  memory_size      = 512

  environment {
    variables = merge(local.api_schedule_environment, {
      ENVIRONMENT               = var.environment
      MIRROR_TABLE              = aws_dynamodb_table.mirror[0].name
      ODOO_API_URL              = var.odoo_api_url
      ODOO_SECRET_ARN           = aws_secretsmanager_secret.given["odoo-credentials"].arn
      ERP_CONNECTIONS           = jsonencode(local.erp_connections)
      ERP_SECRET_ARN            = try(aws_secretsmanager_secret.erp_credentials[0].arn, "")
      ERP_SESSION_SECRET_PREFIX = "odoo-erp-session-${var.environment}/"
      ALLOWED_PRIVATE_NETWORKS  = join(",", var.allowed_private_networks)
      SECRETS_VERSION = tostring(max(concat(
        [aws_secretsmanager_secret_version.odoo.secret_string_wo_version],
        aws_secretsmanager_secret_version.erp_credentials[*].secret_string_wo_version,
      )...))
      POWERTOOLS_METRICS_NAMESPACE = local.metric_namespace
      POWERTOOLS_SERVICE_NAME      = "mirror"
    })
  }

  logging_config {
    log_format = "Text" # Powertools already writes JSON
    log_group  = aws_cloudwatch_log_group.mirror[0].name
  }

  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/lambda/mirror.zip")
      error_message = "lambda/mirror.zip is not there yet: run ./build.sh first."
    }
  }

  depends_on = [aws_iam_role_policy.mirror] # don't start it before its role may read what it needs
}

resource "aws_cloudwatch_log_group" "mirror" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; secrets.tf says why none of ours
  count = local.mirror_count

  name              = "/aws/lambda/${local.mirror}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "mirror" {
  count = local.mirror_count

  name               = local.mirror
  description        = "What ${local.mirror} may do"
  assume_role_policy = local.taken_on_by_lambda
}

resource "aws_iam_role_policy" "mirror" {
  count = local.mirror_count

  name = "needs"
  role = aws_iam_role.mirror[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for need, grant in merge(local.schedule_grants, {
        ReadCredentials = {
          actions   = ["secretsmanager:GetSecretValue"]
          resources = concat([aws_secretsmanager_secret.given["odoo-credentials"].arn], aws_secretsmanager_secret.erp_credentials[*].arn)
        }
        KeepSessions = {
          actions   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
          resources = [for id, secret in aws_secretsmanager_secret.erp_session : secret.arn]
        }
        KeepRecords = {
          actions   = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
          resources = [aws_dynamodb_table.mirror[0].arn]
        }
        FindRecordsOfAContact = {
          actions   = ["dynamodb:Query"]
          resources = ["${aws_dynamodb_table.mirror[0].arn}/index/by-partner"]
        }
        ReportFailedRuns = {
          actions   = ["sqs:SendMessage"]
          resources = [aws_sqs_queue.mirror_failures[0].arn]
        }
        WriteLogs = {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["${aws_cloudwatch_log_group.mirror[0].arn}:*"]
        }
      }) : merge({ Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources }, try({ Condition = grant.condition }, {}))
      if length(grant.resources) > 0
    ]
  })
}

# --- Schedules ---

locals {
  mirror_schedules = {
    sync-all  = { rate = var.mirror_rate, input = { task = "sync_all" }, description = "Mirror what changed" }
    sync-full = { rate = "rate(1 day)", input = { task = "sync_all", full = true }, description = "Read and compare everything that is mirrored" }
  }
}

resource "aws_cloudwatch_event_rule" "mirror" {
  for_each = { for key, schedule in local.mirror_schedules : key => schedule if var.mirror_enabled }

  name                = "odoo-mirror-${each.key}-${var.environment}"
  description         = each.value.description
  schedule_expression = each.value.rate
  state               = var.schedules_enabled ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "mirror" {
  for_each = aws_cloudwatch_event_rule.mirror

  rule  = each.value.name
  arn   = aws_lambda_function.mirror[0].arn
  input = jsonencode(local.mirror_schedules[each.key].input)
}

resource "aws_lambda_permission" "mirror" {
  for_each = aws_cloudwatch_event_rule.mirror

  statement_id  = "Schedule-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.mirror[0].function_name
  principal     = "events.amazonaws.com"
  source_arn    = each.value.arn
}

# A run that fails twice is reported; the next one catches up.
resource "aws_lambda_function_event_invoke_config" "mirror" {
  count = local.mirror_count

  function_name                = aws_lambda_function.mirror[0].function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.mirror_failures[0].arn
    }
  }

  depends_on = [aws_iam_role_policy.mirror] # AWS checks that the role may send to the queue
}

resource "aws_sqs_queue" "mirror_failures" {
  count = local.mirror_count

  name                      = local.mirror_failures
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}

# --- Alarms ---

locals {
  mirror_alarms = {
    # Each run reports for how many minutes its worst connection and kind has not been up to date: 0 when
    # all is well. The minimum of at least five minutes, for a run with much to read may take that long, and
    # those beside it then report its age.
    mirror_is_old = {
      name       = "${local.mirror} is older than three runs"
      what_to_do = "The copy of at least one connection hasn't been brought up to date for three runs. The log /aws/lambda/${local.mirror} names it and the reason (not mirrored): usually the system can't be reached or its credential has expired. If a credential changed, raise secrets_version and apply. The next run that succeeds catches up with everything."
      namespace  = local.metric_namespace
      metric     = "MirrorAgeMinutes"
      dimensions = {}
      statistic  = "Minimum"
      threshold  = 3 * local.mirror_minutes
      period     = max(300, min(local.mirror_seconds, 7 * 24 * 60 * 60 / 3))
      periods    = 3
      missing    = "missing"
    }
    # Each run adds a 0 or a 1 to Errors, so the minimum is 0 as soon as one run succeeds.
    mirror_fails = {
      name       = "${local.mirror} fails"
      what_to_do = "Every run of the mirror has crashed for five minutes or longer, so its copies are getting old. Check the log /aws/lambda/${local.mirror}: a setting may be missing, or a run takes longer than its five minutes. Vendor bills are not affected."
      metric     = "Errors"
      dimensions = { FunctionName = local.mirror }
      statistic  = "Minimum"
      operator   = "GreaterThanOrEqualToThreshold"
      threshold  = 1
    }
    mirror_failures = {
      name       = "${local.mirror_failures} is not empty"
      what_to_do = "A run of the mirror failed twice in a row. Check the log /aws/lambda/${local.mirror}. Later runs catch up. Once they succeed, purge this queue: until then the alarm stays on and won't report further failures."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = local.mirror_failures }
      statistic  = "Maximum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "mirror" {
  for_each = { for key, alarm in local.mirror_alarms : key => merge(local.usual_alarm, alarm) if var.mirror_enabled }

  alarm_name          = each.value.name
  alarm_description   = each.value.what_to_do
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.needed
  treat_missing_data  = each.value.missing

  # Once runs report the age, their silence alerts too. With the schedules off the mirror is meant to get
  # older: a run by hand would report that, and silence would follow.
  actions_enabled           = each.value.missing != "missing" || var.schedules_enabled
  alarm_actions             = [aws_sns_topic.alerts.arn]
  insufficient_data_actions = each.value.missing == "missing" ? [aws_sns_topic.alerts.arn] : []
}
