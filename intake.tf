# The intake: invoices given to a state machine, which validates each, stores it once under the next number
# and announces what became of it. It stands beside the flow and shares only its Slack secret, its alert
# topic and its names. All of it depends on intake_enabled; nothing of the flow depends on any of it.

locals {
  intake_count    = var.intake_enabled ? 1 : 0
  intake          = "odoo-intake-${var.environment}"
  intake_workflow = "invoice-automation-workflow-${var.environment}"

  # An address is verified in SES as itself or with its whole domain.
  intake_identities = var.intake_mails_customers ? [
    for identity in [var.intake_sender, try(split("@", var.intake_sender)[1], "")] :
    "arn:aws:ses:${var.aws_region}:${data.aws_caller_identity.current.account_id}:identity/${identity}"
  ] : []

  intake_functions = {
    validate_invoice = {
      full_name   = "validate-invoice-${var.environment}"
      description = "Says everything that is wrong with an invoice"
      timeout     = 15
      environment = {
        INTAKE_TIME_ZONE      = var.intake_time_zone
        INTAKE_MAXIMUM_AMOUNT = tostring(var.intake_maximum_amount)
      }
      needs = {}
    }
    process_invoice = {
      full_name   = "process-invoice-${var.environment}"
      description = "Stores an invoice once, under the next number"
      timeout     = 30
      environment = {
        INTAKE_TABLE     = local.intake
        INTAKE_TIME_ZONE = var.intake_time_zone
      }
      needs = {
        StoreInvoices = {
          actions   = ["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
          resources = aws_dynamodb_table.intake[*].arn
        }
      }
    }
    send_notification = {
      full_name   = "send-notification-${var.environment}"
      description = "Announces what became of an invoice"
      timeout     = 60
      environment = merge(
        {
          INTAKE_TABLE = local.intake
          INTAKE_TOPIC = one(aws_sns_topic.intake[*].arn)
        },
        var.intake_slack_channel_id == null ? {} : {
          SLACK_SECRET_ARN = aws_secretsmanager_secret.given["slack-config"].arn
          SLACK_API_URL    = var.slack_api_url
          SLACK_CHANNEL_ID = var.intake_slack_channel_id
          SECRETS_VERSION  = tostring(aws_secretsmanager_secret_version.slack.secret_string_wo_version)
        },
        var.intake_mails_customers ? { INTAKE_SENDER = var.intake_sender } : {},
      )
      needs = {
        ReadInvoicesAndNoteWhatWasAnnounced = {
          actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
          resources = aws_dynamodb_table.intake[*].arn
        }
        Announce = {
          actions   = ["sns:Publish"]
          resources = aws_sns_topic.intake[*].arn
        }
        ReadSlackConfig = {
          actions   = ["secretsmanager:GetSecretValue"]
          resources = var.intake_slack_channel_id == null ? [] : [aws_secretsmanager_secret.given["slack-config"].arn]
        }
        MailCustomers = {
          actions   = ["ses:SendEmail"]
          resources = local.intake_identities
        }
      }
    }
  }
}

# --- The invoices ---

# Invoices by their id, a counter a year, and for each execution what was announced. An invoice never
# expires: its id given again must find it.
resource "aws_dynamodb_table" "intake" {
  #checkov:skip=CKV_AWS_119: secrets.tf says why no key of our own
  count = local.intake_count

  name                        = local.intake
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = local.in_production

  attribute {
    name = "pk"
    type = "S"
  }
  attribute {
    name = "number"
    type = "S"
  }

  global_secondary_index {
    name            = "by-number"
    hash_key        = "number"
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

# --- The functions ---

resource "aws_lambda_function" "intake" {
  #checkov:skip=CKV_AWS_50: the execution's history traces an invoice, and X-Ray needs permissions on every resource
  #checkov:skip=CKV_AWS_115: an account that has only ten runs cannot reserve any
  #checkov:skip=CKV_AWS_116: the state machine calls it synchronously, and sees the error
  #checkov:skip=CKV_AWS_117: it calls only services on the internet; a VPC would need a NAT gateway at $32 a month
  #checkov:skip=CKV_AWS_173: the environment holds no secrets, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh built; there is no third party in between
  for_each = { for key, function in local.intake_functions : key => function if var.intake_enabled }

  function_name    = each.value.full_name
  description      = each.value.description
  role             = aws_iam_role.intake[each.key].arn
  handler          = "intake.${each.key}"
  filename         = "${path.module}/lambda/intake.zip"
  source_code_hash = try(filebase64sha256("${path.module}/lambda/intake.zip"), null)
  runtime          = "python3.12"
  architectures    = ["arm64"]
  timeout          = each.value.timeout
  memory_size      = 256

  environment {
    variables = merge({
      ENVIRONMENT                  = var.environment
      POWERTOOLS_METRICS_NAMESPACE = local.metric_namespace
      POWERTOOLS_SERVICE_NAME      = each.key
    }, each.value.environment)
  }

  logging_config {
    log_format = "Text" # Powertools already writes JSON
    log_group  = aws_cloudwatch_log_group.intake[each.key].name
  }

  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/lambda/intake.zip")
      error_message = "lambda/intake.zip is not there yet: run ./build.sh first."
    }
  }

  depends_on = [aws_iam_role_policy.intake] # don't start it before its role may use what it needs
}

resource "aws_cloudwatch_log_group" "intake" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; secrets.tf says why none of ours
  for_each = { for key, function in local.intake_functions : key => function.full_name if var.intake_enabled }

  name              = "/aws/lambda/${each.value}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "intake" {
  for_each = { for key, function in local.intake_functions : key => function.full_name if var.intake_enabled }

  name               = each.value
  description        = "What ${each.value} may do"
  assume_role_policy = local.taken_on_by_lambda
}

resource "aws_iam_role_policy" "intake" {
  for_each = { for key, function in local.intake_functions : key => function.needs if var.intake_enabled }

  name = "needs"
  role = aws_iam_role.intake[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for need, grant in merge(each.value, {
        WriteLogs = {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["${aws_cloudwatch_log_group.intake[each.key].arn}:*"]
        }
      }) : { Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources } if length(grant.resources) > 0
    ]
  })
}

# --- The state machine ---

# Standard: an execution may wait for minutes between retries, and its name makes a start idempotent.
# Without tracing_configuration, which AWS adds as disabled, and which would then change with every plan.
resource "aws_sfn_state_machine" "intake" {
  #checkov:skip=CKV_AWS_284: the execution's history traces an invoice, and X-Ray needs permissions on every resource
  #checkov:skip=CKV_AWS_285: the log leaves out the data: an invoice names a person
  count = local.intake_count

  name       = local.intake_workflow
  type       = "STANDARD"
  role_arn   = aws_iam_role.intake_workflow[0].arn
  definition = templatefile("${path.module}/intake.asl.json", { for key, function in aws_lambda_function.intake : key => function.arn })

  logging_configuration {
    level                  = "ALL"
    include_execution_data = false
    log_destination        = "${aws_cloudwatch_log_group.intake_workflow[0].arn}:*"
  }

  depends_on = [aws_iam_role_policy.intake_workflow] # AWS checks that the role may write the log
}

# AWS cuts the policy of other log groups off at 5,120 characters; those below this prefix need none.
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
resource "aws_cloudwatch_log_group" "intake_workflow" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; secrets.tf says why none of ours
  count = local.intake_count

  name              = "/aws/vendedlogs/states/${local.intake_workflow}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "intake_workflow" {
  count = local.intake_count

  name        = local.intake_workflow
  description = "What ${local.intake_workflow} may do"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "intake_workflow" {
  #checkov:skip=CKV_AWS_290: AWS knows no resource for the delivery of logs
  #checkov:skip=CKV_AWS_355: AWS knows no resource for the delivery of logs
  #checkov:skip=CKV_AWS_288: none of these reads data
  #checkov:skip=CKV_AWS_289: PutResourcePolicy is needed to deliver logs
  count = local.intake_count

  name = "needs"
  role = aws_iam_role.intake_workflow[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for need, grant in {
        CallFunctions = {
          actions   = ["lambda:InvokeFunction"]
          resources = [for key in sort(keys(local.intake_functions)) : aws_lambda_function.intake[key].arn]
        }
        DeliverLogs = {
          actions = [
            "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
          ]
          resources = ["*"]
        }
      } : { Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources }
    ]
  })
}

# --- Announcements ---

resource "aws_sns_topic" "intake" {
  count = local.intake_count

  name              = local.intake
  kms_master_key_id = "alias/aws/sns"
}

# Whoever gets the alerts gets the outcomes that need a person. Others can subscribe to all.
resource "aws_sns_topic_subscription" "intake" {
  count = local.intake_count

  topic_arn     = aws_sns_topic.intake[0].arn
  protocol      = "email"
  endpoint      = var.alert_email
  filter_policy = jsonencode({ outcome = ["conflict", "failed", "invalid"] })
}

# --- Alarms ---

locals {
  intake_alarms = {
    intake_fails = {
      name       = "${local.intake_workflow} fails"
      what_to_do = "An execution failed. Open it in the console of Step Functions: if it failed in SendNotification, the invoice is stored or reported as the execution's steps say, and only the announcement is missing; redrive the execution once SNS, Slack or SES works again. If it failed in Failed, look into the log of the function that is named, fix the cause and start an execution with the same input. No invoice is stored twice."
      metric     = "ExecutionsFailed"
    }
    intake_times_out = {
      name       = "${local.intake_workflow} times out"
      what_to_do = "An execution did not end within an hour, usually because Lambda was throttled all that time: the account has no concurrent executions left. Request more from AWS (Service Quotas, AWS Lambda), then redrive the execution: it goes on where it stopped, and no invoice is stored twice."
      metric     = "ExecutionsTimedOut"
    }
    intake_is_throttled = {
      name       = "${local.intake_workflow} is throttled"
      what_to_do = "Step Functions delays executions because there are too many state transitions in this account. They go on later. If this lasts, start fewer at once, or request more from AWS (Service Quotas, AWS Step Functions, StateTransition)."
      metric     = "ExecutionThrottled"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "intake" {
  for_each = { for key, alarm in local.intake_alarms : key => merge(local.usual_alarm, alarm) if var.intake_enabled }

  alarm_name          = each.value.name
  alarm_description   = each.value.what_to_do
  namespace           = "AWS/States"
  metric_name         = each.value.metric
  dimensions          = { StateMachineArn = aws_sfn_state_machine.intake[0].arn }
  statistic           = each.value.statistic
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.needed
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alerts.arn]
}
