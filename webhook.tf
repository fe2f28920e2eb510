# The webhook: each change of the mirror, POSTed to webhook_url. The mirror's stream calls the feed, which
# puts each change into a FIFO queue; the queue calls the sender. All of it depends on webhook_url, and
# neither the flow nor the mirror depends on any of it.

locals {
  webhook          = "odoo-webhook-${var.environment}"
  webhook_queue    = "odoo-webhook-${var.environment}.fifo"
  webhook_dead     = "odoo-webhook-dlq-${var.environment}.fifo"
  webhook_feed     = "odoo-webhook-feed-${var.environment}"
  webhook_failures = "odoo-webhook-failures-${var.environment}"
  webhook_enabled  = var.webhook_url != ""
  webhook_count    = local.webhook_enabled ? 1 : 0

  # The queue hides a message for six times the sender's timeout, so both need it.
  webhook_timeout_seconds = 120

  # Both are handlers of one package, lambda/webhook.zip.
  webhook_functions = local.webhook_enabled ? {
    webhook = {
      name        = local.webhook
      description = "Sends each change of the mirror to the webhook's endpoint"
      timeout     = local.webhook_timeout_seconds
      environment = {
        WEBHOOK_URL              = var.webhook_url
        WEBHOOK_SECRET_ARN       = aws_secretsmanager_secret.webhook[0].arn
        WEBHOOK_QUEUE_URL        = aws_sqs_queue.webhook[0].url
        WEBHOOK_DEAD_QUEUE_URL   = aws_sqs_queue.webhook_dead[0].url
        ALLOWED_PRIVATE_NETWORKS = join(",", var.allowed_private_networks)
        SNS_ALERT_TOPIC          = aws_sns_topic.alerts.arn
        SECRETS_VERSION          = tostring(aws_secretsmanager_secret_version.webhook[0].secret_string_wo_version)
      }
    }
    webhook_feed = {
      name        = local.webhook_feed
      description = "Puts each change of the mirror into the webhook's queue"
      timeout     = 120
      environment = {
        WEBHOOK_QUEUE_URL    = aws_sqs_queue.webhook[0].url
        WEBHOOK_FAILURES_URL = aws_sqs_queue.webhook_failures[0].url
        WEBHOOK_KINDS        = join(",", var.webhook_kinds)
        WEBHOOK_FIRST_LOAD   = tostring(var.webhook_first_load)
        WEBHOOK_CONNECTIONS  = join(",", keys(local.erp_connections))
      }
    }
  } : {}
}

# --- The queue ---

# FIFO with a group per record, so that each record's changes are sent in order and a record that waits
# holds up no other.
resource "aws_sqs_queue" "webhook" {
  count = local.webhook_count

  name                       = local.webhook_queue
  fifo_queue                 = true
  deduplication_scope        = "messageGroup"
  fifo_throughput_limit      = "perMessageGroupId"
  visibility_timeout_seconds = 6 * local.webhook_timeout_seconds
  message_retention_seconds  = local.fourteen_days
  sqs_managed_sse_enabled    = true

  # A net for what stops the sender each time. What an endpoint doesn't take the sender moves after 22
  # hours; while it waits for that, it may be received some six hundred times.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.webhook_dead[0].arn
    maxReceiveCount     = 1000 # SQS's highest
  })
}

resource "aws_sqs_queue" "webhook_dead" {
  count = local.webhook_count

  name                      = local.webhook_dead
  fifo_queue                = true
  deduplication_scope       = "messageGroup"
  fifo_throughput_limit     = "perMessageGroupId"
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}

# What the feed could not put into the queue, and digests that failed twice.
resource "aws_sqs_queue" "webhook_failures" {
  count = local.webhook_count

  name                      = local.webhook_failures
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}

# --- The secret that signs ---

# Deleted at once: the next apply gives it again.
resource "aws_secretsmanager_secret" "webhook" {
  #checkov:skip=CKV_AWS_149: secrets.tf says why no key of our own
  #checkov:skip=CKV2_AWS_57: the endpoint must learn of a new one first; webhook_previous_secret rotates it
  count = local.webhook_count

  name                    = "odoo-webhook-secret-${var.environment}"
  description             = "What signs the webhook's requests: the current secret and, while it is rotated, the previous one"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "webhook" {
  count = local.webhook_count

  secret_id                = aws_secretsmanager_secret.webhook[0].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo         = jsonencode({ current = var.webhook_secret, previous = var.webhook_previous_secret })
}

# --- The functions ---

resource "aws_lambda_function" "webhook" {
  #checkov:skip=CKV_AWS_50: logs say what became of each change, and X-Ray needs permissions on every resource
  #checkov:skip=CKV_AWS_115: an account that has only ten runs cannot reserve any
  #checkov:skip=CKV_AWS_116: the stream's and the queue's mappings and the event invoke config keep what fails
  #checkov:skip=CKV_AWS_117: it calls only services on the internet; a VPC would need a NAT gateway at $32 a month
  #checkov:skip=CKV_AWS_173: the environment holds no secrets, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh built; there is no third party in between
  for_each = local.webhook_functions

  function_name    = each.value.name
  description      = each.value.description
  role             = aws_iam_role.webhook[each.key].arn
  handler          = "${each.key}.lambda_handler"
  filename         = "${path.module}/lambda/webhook.zip"
  source_code_hash = try(filebase64sha256("${path.module}/lambda/webhook.zip"), null)
  runtime          = "python3.12"
  architectures    = ["arm64"]
  timeout          = each.value.timeout
  memory_size      = 256

  environment {
    variables = merge(each.value.environment, {
      ENVIRONMENT                  = var.environment
      MIRROR_TABLE                 = aws_dynamodb_table.mirror[0].name
      POWERTOOLS_METRICS_NAMESPACE = local.metric_namespace
      POWERTOOLS_SERVICE_NAME      = each.key
    })
  }

  logging_config {
    log_format = "Text" # Powertools already writes JSON
    log_group  = aws_cloudwatch_log_group.webhook[each.key].name
  }

  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/lambda/webhook.zip")
      error_message = "lambda/webhook.zip is not there yet: run ./build.sh first."
    }
  }

  depends_on = [aws_iam_role_policy.webhook] # don't start it before its role may read what it needs
}

resource "aws_cloudwatch_log_group" "webhook" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; secrets.tf says why none of ours
  for_each = local.webhook_functions

  name              = "/aws/lambda/${each.value.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "webhook" {
  for_each = local.webhook_functions

  name               = each.value.name
  description        = "What ${each.value.name} may do"
  assume_role_policy = local.taken_on_by_lambda
}

locals {
  # `keys` are the partitions of the mirror's table that a need is limited to.
  webhook_needs = local.webhook_enabled ? {
    webhook = {
      ReadSecret = {
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [aws_secretsmanager_secret.webhook[0].arn]
      }
      TakeChanges = {
        actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        resources = [aws_sqs_queue.webhook[0].arn]
      }
      SendRefusedChangesAgain = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.webhook[0].arn]
      }
      GiveUp = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.webhook_dead[0].arn]
      }
      ReportFailedDigests = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.webhook_failures[0].arn]
      }
      KeepStateAndRefusals = {
        actions   = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        resources = [aws_dynamodb_table.mirror[0].arn]
        keys      = ["webhook#*"]
      }
      ReadContacts = {
        actions   = ["dynamodb:GetItem"]
        resources = [aws_dynamodb_table.mirror[0].arn]
        keys      = ["*#contact#*"]
      }
      TellPeople = {
        actions   = ["sns:Publish"]
        resources = [aws_sns_topic.alerts.arn]
      }
    }
    webhook_feed = {
      ReadChanges = {
        actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        resources = [aws_dynamodb_table.mirror[0].stream_arn]
      }
      FindStream = {
        actions   = ["dynamodb:ListStreams"]
        resources = ["${aws_dynamodb_table.mirror[0].arn}/stream/*"]
      }
      ReadRecords = {
        actions   = ["dynamodb:BatchGetItem"]
        resources = [aws_dynamodb_table.mirror[0].arn]
      }
      FindRecordsOfAMonth = {
        actions   = ["dynamodb:Query"]
        resources = ["${aws_dynamodb_table.mirror[0].arn}/index/by-month"]
      }
      KeepLargeContent = {
        actions   = ["dynamodb:UpdateItem"]
        resources = [aws_dynamodb_table.mirror[0].arn]
        keys      = ["webhook#content"]
      }
      QueueChanges = {
        actions   = ["sqs:GetQueueAttributes", "sqs:SendMessage"] # a replay waits while the queue is full
        resources = [aws_sqs_queue.webhook[0].arn]
      }
      ReportFailedChanges = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.webhook_failures[0].arn]
      }
    }
  } : {}
}

resource "aws_iam_role_policy" "webhook" {
  for_each = local.webhook_functions

  name = "needs"
  role = aws_iam_role.webhook[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for need, grant in merge(local.webhook_needs[each.key], {
        WriteLogs = {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["${aws_cloudwatch_log_group.webhook[each.key].arn}:*"]
        }
        }) : merge(
        { Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources },
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
        try({ Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = grant.keys } } }, {}),
      )
    ]
  })
}

# --- What starts them ---

# From the stream's beginning, which is a day ago at most. With LATEST AWS may pass over changes while a
# mapping is made or altered, and a first load is left out anyway:
# https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
resource "aws_lambda_event_source_mapping" "webhook_feed" {
  count = local.webhook_count

  event_source_arn                   = aws_dynamodb_table.mirror[0].stream_arn
  function_name                      = aws_lambda_function.webhook["webhook_feed"].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 100
  maximum_batching_window_in_seconds = 1
  parallelization_factor             = 1     # with more, two changes of one record could overtake each other
  maximum_retry_attempts             = -1    # what the feed cannot read it reports itself; all else passes
  maximum_record_age_in_seconds      = 86400 # as long as a stream keeps them
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]

  # Only records: beside them the table holds counts, runs and what the webhook itself keeps.
  filter_criteria {
    filter {
      pattern = jsonencode({ dynamodb = { NewImage = { hash = { S = [{ exists = true }] } } } })
    }
    filter {
      pattern = jsonencode({ eventName = ["REMOVE"], dynamodb = { OldImage = { hash = { S = [{ exists = true }] } } } })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.webhook_failures[0].arn
    }
  }

  depends_on = [aws_iam_role_policy.webhook]
}

resource "aws_lambda_event_source_mapping" "webhook" {
  count = local.webhook_count

  event_source_arn        = aws_sqs_queue.webhook[0].arn
  function_name           = aws_lambda_function.webhook["webhook"].arn
  batch_size              = 10 # an ordered queue's most
  function_response_types = ["ReportBatchItemFailures"]

  # Each sends up to ten changes side by side. Leaves runs of the account for clicks in Slack.
  scaling_config {
    maximum_concurrency = 2
  }

  depends_on = [aws_iam_role_policy.webhook]
}

resource "aws_cloudwatch_event_rule" "webhook_digest" {
  count = local.webhook_count

  name                = "odoo-webhook-digest-${var.environment}"
  description         = "Mail what the webhook's endpoint refused in the last hour"
  schedule_expression = "rate(1 hour)"
  state               = var.schedules_enabled ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "webhook_digest" {
  count = local.webhook_count

  rule  = aws_cloudwatch_event_rule.webhook_digest[0].name
  arn   = aws_lambda_function.webhook["webhook"].arn
  input = jsonencode({ task = "digest" })
}

resource "aws_lambda_permission" "webhook_digest" {
  count = local.webhook_count

  statement_id  = "Schedule-digest"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.webhook["webhook"].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.webhook_digest[0].arn
}

resource "aws_lambda_function_event_invoke_config" "webhook" {
  count = local.webhook_count

  function_name                = aws_lambda_function.webhook["webhook"].function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.webhook_failures[0].arn
    }
  }

  depends_on = [aws_iam_role_policy.webhook] # AWS checks that the role may send to the queue
}

# --- Alarms ---

locals {
  webhook_alarms = {
    webhook_is_late = {
      name       = "${local.webhook_queue} is an hour behind"
      what_to_do = "A change has waited an hour for the webhook's endpoint. The log /aws/lambda/${local.webhook} says what the endpoint answers (not delivered). Once it answers again, everything is sent within minutes; changes that already failed on their own, at their next try. After 22 hours a change becomes a dead letter. If the log is silent, check whether the function runs at all."
      namespace  = "AWS/SQS"
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = local.webhook_queue }
      statistic  = "Maximum"
      threshold  = 60 * 60
    }
    webhook_dead = {
      name       = "${local.webhook_dead} is not empty"
      what_to_do = "Changes could not be delivered to the webhook's endpoint for 22 hours, or could not be read. The log /aws/lambda/${local.webhook} says which and why (given up). Once the endpoint takes changes again, send the time since then with a replay, then purge this queue: until then the alarm stays on and won't report further messages."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = local.webhook_dead }
      statistic  = "Maximum"
    }
    webhook_is_paused = {
      name       = "${local.webhook} is paused"
      what_to_do = "The webhook's endpoint answered 410 Gone, so nothing is sent to it. Changes wait in the queue for up to 13 days. If the endpoint has moved, apply with its new webhook_url. If it is back, invoke ${local.webhook} with {\"resume\": true}."
      namespace  = local.metric_namespace
      metric     = "WebhookPaused"
      dimensions = {}
      statistic  = "Maximum"
    }
    webhook_refuses = {
      name       = "${local.webhook} is refused again and again"
      what_to_do = "The webhook's endpoint refused more than a hundred changes within an hour. Usually its secret differs from webhook_secret, or its address has changed; the hourly e-mail has its answers. Once that is corrected, invoke ${local.webhook} with {\"retry_refused\": true}."
      namespace  = local.metric_namespace
      metric     = "WebhookRefused"
      dimensions = {}
      threshold  = 100
      period     = 60 * 60
    }
    webhook_fails = {
      name       = "${local.webhook} fails"
      what_to_do = "A run of the webhook's sender crashed or timed out. Check the log /aws/lambda/${local.webhook}: its secret or a setting may be missing. What it was sending is sent again after twelve minutes, so a change may arrive twice."
      metric     = "Errors"
      dimensions = { FunctionName = local.webhook }
    }
    webhook_feed_is_late = {
      name       = "${local.webhook_feed} is an hour behind"
      what_to_do = "Changes of the mirror haven't been queued for the webhook for an hour. Check the log /aws/lambda/${local.webhook_feed}: it may crash, or the account has no runs left. The table's stream keeps changes for 24 hours."
      metric     = "IteratorAge"
      dimensions = { FunctionName = local.webhook_feed }
      statistic  = "Maximum"
      threshold  = 60 * 60 * 1000
    }
    webhook_failures = {
      name       = "${local.webhook_failures} is not empty"
      what_to_do = "Changes of the mirror couldn't be queued for the webhook, or the hourly mail about refusals failed twice. Check the logs /aws/lambda/${local.webhook_feed} and /aws/lambda/${local.webhook}. Each message says when it failed: send changes since then with a replay, then purge this queue. Until then the alarm stays on and won't report further failures."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = local.webhook_failures }
      statistic  = "Maximum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "webhook" {
  for_each = { for key, alarm in local.webhook_alarms : key => merge(local.usual_alarm, alarm) if local.webhook_enabled }

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
  alarm_actions       = [aws_sns_topic.alerts.arn]
}
