# The API: what the mirror holds, over HTTPS to clients with a token, and its documentation. All of it
# depends on api_enabled; neither the flow nor the mirror depends on any of it. api_schedules.tf has what
# its clients schedule.

locals {
  api       = "odoo-api-${var.environment}"
  api_count = var.mirror_enabled && var.api_enabled ? 1 : 0

  # Older than that, a mirror is what the alarm about its age calls old. With the schedules off it is meant
  # to get older, and 0 stands for never.
  mirror_stale_seconds = var.schedules_enabled ? 3 * max(300, local.mirror_seconds) : 0
}

# --- Tokens ---

# Only SHA-256 of each is stored: they are long and random, so a hash opens nothing. Deleted at once, for
# the next apply gives them again.
resource "aws_secretsmanager_secret" "api_tokens" {
  #checkov:skip=CKV_AWS_149: secrets.tf says why no key of our own
  #checkov:skip=CKV2_AWS_57: api_previous_tokens and secrets_version rotate them
  count = local.api_count

  name                    = "odoo-api-tokens-${var.environment}"
  description             = "SHA-256 of each token of the API, current and previous"
  recovery_window_in_days = 0
}

resource "aws_secretsmanager_secret_version" "api_tokens" {
  count = local.api_count

  secret_id                = aws_secretsmanager_secret.api_tokens[count.index].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    tokens   = { for name, token in var.api_tokens : name => sha256(token) }
    previous = { for name, token in var.api_previous_tokens : name => sha256(token) }
  })
}

# --- The function ---

resource "aws_lambda_function" "api" {
  #checkov:skip=CKV_AWS_50: logs say what went wrong, and X-Ray needs permissions on every resource
  #checkov:skip=CKV_AWS_115: an account that has only ten runs cannot reserve any; the HTTP API throttles
  #checkov:skip=CKV_AWS_116: nothing invokes it asynchronously
  #checkov:skip=CKV_AWS_117: it calls only AWS; a VPC would need endpoints or a NAT gateway at $32 a month
  #checkov:skip=CKV_AWS_173: the environment holds no secrets, and AWS encrypts it with its own key
  #checkov:skip=CKV_AWS_272: Terraform uploads what build.sh built; there is no third party in between
  count = local.api_count

  function_name    = local.api
  description      = "Answers the clients of the API from the mirror"
  role             = aws_iam_role.api[0].arn
  handler          = "api.lambda_handler"
  filename         = "${path.module}/lambda/api.zip"
  source_code_hash = try(filebase64sha256("${path.module}/lambda/api.zip"), null)
  runtime          = "python3.12"
  architectures    = ["arm64"]
  timeout          = 29 # the HTTP API waits for 30
  memory_size      = 512

  environment {
    variables = merge(local.api_schedule_environment, {
      ENVIRONMENT             = var.environment
      MIRROR_TABLE            = aws_dynamodb_table.mirror[0].name
      MIRROR_STALE_SECONDS    = tostring(local.mirror_stale_seconds)
      ERP_CONNECTIONS         = jsonencode(local.erp_connections)
      API_SECRET_ARN          = aws_secretsmanager_secret.api_tokens[0].arn
      SECRETS_VERSION         = tostring(aws_secretsmanager_secret_version.api_tokens[0].secret_string_wo_version)
      POWERTOOLS_SERVICE_NAME = "api"
    })
  }

  logging_config {
    log_format = "Text" # Powertools already writes JSON
    log_group  = aws_cloudwatch_log_group.api[0].name
  }

  lifecycle {
    precondition {
      condition     = fileexists("${path.module}/lambda/api.zip")
      error_message = "lambda/api.zip is not there yet: run ./build.sh first."
    }
  }

  depends_on = [aws_iam_role_policy.api] # don't start it before its role may read what it needs
}

resource "aws_cloudwatch_log_group" "api" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; secrets.tf says why none of ours
  count = local.api_count

  name              = "/aws/lambda/${local.api}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "api" {
  count = local.api_count

  name               = local.api
  description        = "What ${local.api} may do"
  assume_role_policy = local.taken_on_by_lambda
}

# It reads the mirror's table and changes nothing in it but items of its own: attempts to sign in, and
# schedules.
resource "aws_iam_role_policy" "api" {
  count = local.api_count

  name = "needs"
  role = aws_iam_role.api[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for need, grant in merge(local.api_schedule_grants, {
        ReadTokens = {
          actions   = ["secretsmanager:GetSecretValue"]
          resources = [aws_secretsmanager_secret.api_tokens[0].arn]
        }
        ReadRecords = {
          actions   = ["dynamodb:BatchGetItem", "dynamodb:Query"]
          resources = [aws_dynamodb_table.mirror[0].arn]
        }
        ReadRecordsByTimeAndContact = {
          actions   = ["dynamodb:Query"]
          resources = [for index in ["by-month", "by-partner"] : "${aws_dynamodb_table.mirror[0].arn}/index/${index}"]
        }
        CountAttemptsToSignIn = {
          actions   = ["dynamodb:UpdateItem"]
          resources = [aws_dynamodb_table.mirror[0].arn]
          condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["api#sign-in#*"] } }
        }
        WriteLogs = {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["${aws_cloudwatch_log_group.api[0].arn}:*"]
        }
      }) : merge({ Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources }, try({ Condition = grant.condition }, {}))
    ]
  })
}

# --- The HTTP API ---

# One route for everything: the function has the routes, from its openapi.json, and checks the tokens.
resource "aws_apigatewayv2_api" "api" {
  count = local.api_count

  name                         = local.api
  description                  = "What the mirror of Odoo holds"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = var.api_domain != ""

  dynamic "cors_configuration" {
    for_each = length(var.api_allowed_origins) > 0 ? [var.api_allowed_origins] : []

    content {
      allow_origins  = cors_configuration.value
      allow_methods  = ["GET", "POST", "DELETE"]
      allow_headers  = ["authorization", "content-type"]
      expose_headers = ["retry-after", "x-mirror-age", "x-mirror-state", "x-next-cursor", "x-total-count", "x-truncated"]
      max_age        = 3600
    }
  }
}

resource "aws_apigatewayv2_integration" "api" {
  count = local.api_count

  api_id                 = aws_apigatewayv2_api.api[0].id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.api[0].invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "api" {
  #checkov:skip=CKV_AWS_309: the function checks the tokens: they are several, hashed and rotated, beside sessions of browsers
  count = local.api_count

  api_id    = aws_apigatewayv2_api.api[0].id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.api[0].id}"
}

# The log of requests has no headers and no query strings: neither tokens nor what somebody looked for.
resource "aws_apigatewayv2_stage" "api" {
  count = local.api_count

  api_id      = aws_apigatewayv2_api.api[0].id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.api_throttle_rate
    throttling_burst_limit = var.api_throttle_burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_requests[0].arn
    format = jsonencode({
      time       = "$context.requestTime"
      request_id = "$context.requestId"
      source_ip  = "$context.identity.sourceIp"
      method     = "$context.httpMethod"
      path       = "$context.path"
      status     = "$context.status"
      bytes      = "$context.responseLength"
      ms         = "$context.responseLatency"
      error      = "$context.error.message"
    })
  }
}

resource "aws_cloudwatch_log_group" "api_requests" {
  #checkov:skip=CKV_AWS_158: AWS encrypts it with its own key; secrets.tf says why none of ours
  count = local.api_count

  name              = "/aws/vendedlogs/${local.api}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_permission" "api" {
  count = local.api_count

  statement_id  = "HttpApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.api[0].function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.api[0].execution_arn}/*/$default"
}

# --- A domain of one's own ---

resource "aws_apigatewayv2_domain_name" "api" {
  count = var.api_domain == "" ? 0 : local.api_count

  domain_name = var.api_domain

  domain_name_configuration {
    certificate_arn = var.api_certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "api" {
  count = length(aws_apigatewayv2_domain_name.api)

  api_id      = aws_apigatewayv2_api.api[0].id
  domain_name = aws_apigatewayv2_domain_name.api[0].id
  stage       = aws_apigatewayv2_stage.api[0].id
}

# --- Alarms ---

# A function that crashes, times out or is throttled is an answer of 500 or 503 to the client, so the first
# alarm covers those too. Requests over api_throttle_rate are among the answers of the second.
locals {
  api_alarms = {
    api_5xx = {
      name       = "${local.api} answers with errors"
      what_to_do = "More than five requests to the API in five minutes got an answer of 500 to 599. Check the log /aws/lambda/${local.api}, and /aws/vendedlogs/${local.api} for which requests: the table may be throttled, the function may be at its limit of concurrent runs, or a setting may be wrong. Answers of 503 to /health mean that the mirror is old, which has an alarm of its own. Vendor bills are not affected."
      metric     = "5xx"
      threshold  = 5
    }
    api_4xx = {
      name       = "${local.api} refuses many requests"
      what_to_do = "More than 200 requests to the API in five minutes were refused. See the status in the log /aws/vendedlogs/${local.api}. 429: a client sends more than api_throttle_rate allows; let it wait, or raise that. 401: a client has a token that was removed, or somebody is guessing; the source address is in the log. Others: a client sends what the API does not take."
      metric     = "4xx"
      threshold  = 200
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "api" {
  for_each = { for key, alarm in local.api_alarms : key => merge(local.usual_alarm, alarm) if local.api_count == 1 }

  alarm_name          = each.value.name
  alarm_description   = each.value.what_to_do
  namespace           = "AWS/ApiGateway"
  metric_name         = each.value.metric
  dimensions          = { ApiId = aws_apigatewayv2_api.api[0].id }
  statistic           = each.value.statistic
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.needed
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alerts.arn]
}
