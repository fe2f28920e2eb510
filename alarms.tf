# Alerts by mail, when something fails. The functions publish to the same topic when someone must act.
#
# An alarm costs $0.10 a month for each metric it reads, so each of these thirteen covers something that
# no other does. There are none for errors, throttles and slow runs of the extractor and the notifier:
# no_extraction, cards_are_late and notifier_failures fire when these matter. Both functions stop in time
# before their timeout, so a first extraction of thousands of bills raises no alarm about duration.
# The extractor mails about approved bills that stay unposted, with bills and reasons; an alarm could
# give only a number, for a metric at $0.30. An idle month at list price: alarms $1.50, secrets $0.40
# each (three, and one per company), and cents for runs, logs and requests.

# Unencrypted, because alarms can't use AWS's own key. Messages hold ids and sentences, nothing secret.
resource "aws_sns_topic" "alerts" {
  #checkov:skip=CKV_AWS_26: alarms can't use AWS's own key, and messages hold ids and sentences
  name = "odoo-qb-alerts-${var.environment}"
}

resource "aws_sns_topic_subscription" "alerts" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = var.alert_email
}

locals {
  schedule_units   = { minute = 60, hour = 60 * 60, day = 24 * 60 * 60 }
  schedule_parts   = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.schedule_rate), ["1", "day"]) # for cron, a guess
  schedule_seconds = min(tonumber(local.schedule_parts[0]) * local.schedule_units[local.schedule_parts[1]], 7 * 24 * 60 * 60 / 3)

  function = { for name, full in local.names : name => { FunctionName = full } }

  # The defaults: any value above 0 of a function's metric in five minutes. Missing data is fine.
  usual_alarm = {
    namespace = "AWS/Lambda"
    statistic = "Sum"
    operator  = "GreaterThanThreshold"
    threshold = 0
    period    = 300
    periods   = 1
    needed    = 1
    missing   = "notBreaching"
  }

  alarms = {
    # Each run adds a 0 or a 1 to Errors, so the minimum is 0 as soon as one run succeeds. No runs at
    # all means no data, which alerts too, but only after the first run.
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    no_extraction = {
      name       = "${local.names.extractor} has not succeeded for three schedules"
      what_to_do = "Bills aren't being read from Odoo, and stuck bills aren't being retried. If another mail gives the reason, do what it says. Otherwise check the log /aws/lambda/${local.names.extractor} and whether schedules_enabled is true."
      metric     = "Errors"
      dimensions = local.function.extractor
      statistic  = "Minimum"
      operator   = "GreaterThanOrEqualToThreshold"
      threshold  = 1
      period     = local.schedule_seconds
      periods    = 3
      needed     = 3
      missing    = "missing"
    }
    # Not Errors: when an AWS service fails, the handler itself succeeds and responds with a 503.
    # https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
    handler_fails = {
      name       = "${local.names.approval_handler} fails"
      what_to_do = "A click failed, and the approver saw an error in Slack. Check the log /aws/lambda/${local.names.approval_handler}. It is safe to click again."
      metric     = "Url5xxCount"
      dimensions = local.function.approval_handler
    }
    handler_is_throttled = {
      name       = "${local.names.approval_handler} is throttled"
      what_to_do = "Clicks in Slack are failing because the account has no concurrent executions left. Request more from AWS (Service Quotas, AWS Lambda): a new account has ten and can't reserve any. Once it has well over a hundred, reserve some for the approval handler in reserved_concurrency."
      metric     = "Throttles"
      dimensions = local.function.approval_handler
    }
    # Slack waits three seconds, so this is 80% of those and not of the function's thirty. Cold starts
    # count.
    handler_is_slow = {
      name       = "${local.names.approval_handler} is slow"
      what_to_do = "Clicks take almost three seconds, after which Slack shows an error; decisions are recorded anyway. Check the log /aws/lambda/${local.names.approval_handler} for what is slow. If it is Slack or AWS, wait."
      metric     = "UrlRequestLatency"
      dimensions = local.function.approval_handler
      statistic  = "Average"
      threshold  = 0.8 * 3 * 1000
      periods    = 3
      needed     = 2
    }
    poster_fails = {
      name       = "${local.names.poster} fails"
      what_to_do = "A posting run crashed, timed out or couldn't start, for example because secrets or settings are missing. Check the log /aws/lambda/${local.names.poster}. Each bill is retried automatically: five times, then about every hour. Nothing is posted twice."
      metric     = "Errors"
      dimensions = local.function.poster
    }
    poster_is_slow = {
      name       = "${local.names.poster} nearly runs out of time"
      what_to_do = "Posting a bill took more than 80% of its ${local.poster_timeout_seconds} seconds. If bills still arrive in QuickBooks, wait: QuickBooks is slow. If they don't, check the log /aws/lambda/${local.names.poster} for the slow call."
      metric     = "Duration"
      dimensions = local.function.poster
      statistic  = "Maximum"
      threshold  = 0.8 * local.poster_timeout_seconds * 1000
    }
    cards_are_late = {
      name       = "${local.names.notifier} is an hour behind"
      what_to_do = "Cards in Slack are an hour behind the bills. After a first extraction, wait: Slack accepts one message a second. Otherwise check the log /aws/lambda/${local.names.notifier}: Slack may be down, or the function throttled."
      metric     = "IteratorAge"
      dimensions = local.function.notifier
      statistic  = "Maximum"
      threshold  = 60 * 60 * 1000
    }
    postings_are_late = {
      name       = "${aws_sqs_queue.approved.name} is an hour behind"
      what_to_do = "An approved bill has waited an hour to be posted. Check that ${local.names.poster} runs: its log, reserved_concurrency and posting_enabled."
      namespace  = "AWS/SQS"
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = aws_sqs_queue.approved.name }
      statistic  = "Maximum"
      threshold  = 60 * 60
    }
    extractor_failures = {
      name       = "${aws_sqs_queue.failures["extractor"].name} is not empty"
      what_to_do = "The extractor failed twice in a row. Check the log /aws/lambda/${local.names.extractor}. Later runs catch up. Once they succeed, purge this queue: until then the alarm stays on and won't report further failures."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.failures["extractor"].name }
      statistic  = "Maximum"
    }
    notifier_failures = {
      name       = "${aws_sqs_queue.failures["notifier"].name} is not empty"
      what_to_do = "Cards in Slack couldn't be posted or updated. Check the log /aws/lambda/${local.names.notifier}. The extractor's next runs retry them. Once the cards are right, purge this queue: until then the alarm stays on and won't report further failures."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.failures["notifier"].name }
      statistic  = "Maximum"
    }
    dead_approvals = {
      name       = "${aws_sqs_queue.approved_dead.name} is not empty"
      what_to_do = "The poster failed five times on a message, couldn't be reached, or got a message that isn't about a bill. Check the log /aws/lambda/${local.names.poster}. You don't need to resend anything: the extractor queues bills again while they are approved. Once the cause is fixed, purge this queue: until then the alarm stays on and won't report further messages."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.approved_dead.name }
      statistic  = "Maximum"
    }
    # A refresh token expires 100 days after its last use and five years after it was issued. The poster
    # renews each daily and reports the days left. One metric covers all companies: the lowest counts.
    # A disconnected company reports none. Reported once a day, it is billed for an hour a day.
    token_days_left = {
      name       = "odoo-qb-${var.environment} must be connected to QuickBooks again soon"
      what_to_do = "A company's QuickBooks connection expires within 14 days, or the daily check hasn't reported for two days. The log /aws/lambda/${local.names.poster} shows which. If a connection expires, connect the company again, put its token in qb_refresh_tokens, raise secrets_version and apply."
      namespace  = local.metric_namespace
      metric     = "RefreshTokenDaysLeft"
      dimensions = {}
      statistic  = "Minimum"
      operator   = "LessThanThreshold"
      threshold  = 14
      period     = 24 * 60 * 60
      periods    = 2
      missing    = "missing"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = { for key, alarm in local.alarms : key => merge(local.usual_alarm, alarm) }

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

  # Where data is expected, its absence alerts too, though not before the first data point. With the
  # schedules off none is expected: a manual run sends some, and none follows.
  insufficient_data_actions = each.value.missing == "missing" && var.schedules_enabled ? [aws_sns_topic.alerts.arn] : []
}

# Internet scanners are refused all day, but their requests aren't signed as Slack signs. This alerts when
# a request signed with a different secret came in an hour in which no request was accepted. The function
# writes the metric only for such requests, so otherwise it costs nothing.
resource "aws_cloudwatch_metric_alarm" "all_clicks_refused" {
  alarm_name          = "${local.names.approval_handler} refuses every click"
  alarm_description   = "Slack's clicks don't match our signing secret, and none was accepted for an hour: nobody can approve. Copy the app's signing secret (Basic Information) into slack_signing_secret, raise secrets_version and apply. If clicks do work, someone is imitating Slack and being refused."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]

  metric_query {
    id          = "all_refused"
    label       = "Every click was refused"
    expression  = "IF(wrongly_signed > 0 AND requests - refused <= 0, 1, 0)"
    return_data = true
  }
  metric_query {
    id = "wrongly_signed"
    metric {
      namespace   = local.metric_namespace
      metric_name = "WronglySigned"
      period      = 60 * 60
      stat        = "Sum"
    }
  }
  dynamic "metric_query" {
    for_each = { requests = "UrlRequestCount", refused = "Url4xxCount" }

    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value
        dimensions  = local.function.approval_handler
        period      = 60 * 60
        stat        = "Sum"
      }
    }
  }
}
