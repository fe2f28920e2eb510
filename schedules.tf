# --- Schedules: read Odoo, refresh QuickBooks' lists, check the connections ---

# The schedules have no dead-letter queue. If a run never started, because EventBridge failed or the
# function was throttled, the next one catches up, and after three missing runs an alarm goes off. A run
# that started and failed twice goes to the failures queue.

locals {
  schedules = {
    extract           = { function = "extractor", rate = var.schedule_rate, input = {}, description = "Read bills that changed in Odoo" }
    extract-all       = { function = "extractor", rate = "rate(1 day)", input = { full = true }, description = "Read all bills, to find changes that were missed" }
    sync-reference    = { function = "poster", rate = "rate(1 hour)", input = { action = "sync_reference" }, description = "Read QuickBooks' accounts, vendors, tax codes and terms" }
    export-month      = { function = "extractor", rate = "cron(0 5 1 * ? *)", input = { export = "last" }, description = "Write last month's decisions for the auditor" }
    check-connections = { function = "poster", rate = "rate(1 day)", input = { action = "check_connections" }, description = "Check the connection of each company" }
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

# A run that fails twice is reported; the next one catches up.
resource "aws_lambda_function_event_invoke_config" "extractor" {
  function_name                = aws_lambda_function.function["extractor"].function_name
  maximum_retry_attempts       = 1
  maximum_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failures["extractor"].arn
    }
  }

  depends_on = [aws_iam_role_policy.function] # AWS checks that the role may send to the queue
}
