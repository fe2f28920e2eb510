# Who hears of what went wrong. The functions publish to the same topic what a person must do.
#
# An alarm costs $0.10 a month for each metric it reads, so each of these thirteen says what no other
# does. What is not watched on its own: errors, throttles and slow runs of the extractor, without
# which no extraction succeeds, and of the notifier, which end as old changes or failed ones; both
# end by themselves before their time is over, as a first extraction of thousands of bills does.
# Approvals that stay unposted are mailed by the extractor, which names the bills and reasons; an
# alarm would say a number, for a metric of $0.30. In an idle month at list price: alarms $1.50,
# secrets $0.40 each (three, and one a company), and cents for runs, logs and requests.

# Not encrypted with AWS's own key, which alarms may not use; a message holds ids and sentences.
resource "aws_sns_topic" "alerts" {
  #checkov:skip=CKV_AWS_26: alarms may not use AWS's own key, and a message holds ids and sentences
  name = "odoo-qb-alerts-${var.environment}"
}

resource "aws_sns_topic_subscription" "alerts" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = var.alert_email
}

locals {
  schedule_units   = { minute = 60, hour = 60 * 60, day = 24 * 60 * 60 }
  schedule_parts   = try(regex("^rate\\(([0-9]+) (minute|hour|day)s?\\)$", var.schedule_rate), ["1", "day"]) # of cron, a guess
  schedule_seconds = min(tonumber(local.schedule_parts[0]) * local.schedule_units[local.schedule_parts[1]], 7 * 24 * 60 * 60 / 3)

  function = { for name, full in local.names : name => { FunctionName = full } }

  # A metric of a function unless it says otherwise, in one period of five minutes; no data is well.
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
    # Each run adds a 0 or a 1 to Errors, so their minimum is 0 as soon as one succeeded. Without
    # runs there is no data, which is told as well, but not before the first run.
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    no_extraction = {
      name       = "${local.names.extractor} has not succeeded for three schedules"
      what_to_do = "No bill is read from Odoo, and what got stuck is not sent on. With a mail that says why, do what that says; else see /aws/lambda/${local.names.extractor}, and whether the schedules run: schedules_enabled."
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
    # Not Errors: when AWS does not give the handler what it needs, it ends well with a 503.
    # https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
    handler_fails = {
      name       = "${local.names.approval_handler} fails"
      what_to_do = "A click ended in an error, and the person saw one in Slack. See /aws/lambda/${local.names.approval_handler}; clicking again is harmless."
      metric     = "Url5xxCount"
      dimensions = local.function.approval_handler
    }
    handler_is_throttled = {
      name       = "${local.names.approval_handler} is throttled"
      what_to_do = "Clicks in Slack are turned away: the account has no run left for them. Ask AWS for more concurrent executions (Service Quotas, AWS Lambda): a new account has ten, of which none can be set aside. With well over a hundred, set some aside for the approval handler in reserved_concurrency."
      metric     = "Throttles"
      dimensions = local.function.approval_handler
    }
    # Slack's three seconds are its limit, not its own thirty: 80 % of those, cold starts included.
    handler_is_slow = {
      name       = "${local.names.approval_handler} is slow"
      what_to_do = "Clicks take nearly the three seconds after which Slack shows an error; decisions count all the same. See in /aws/lambda/${local.names.approval_handler} what takes the time; if it is Slack or AWS, wait."
      metric     = "UrlRequestLatency"
      dimensions = local.function.approval_handler
      statistic  = "Average"
      threshold  = 0.8 * 3 * 1000
      periods    = 3
      needed     = 2
    }
    poster_fails = {
      name       = "${local.names.poster} fails"
      what_to_do = "A run of the poster was cut off, or could not even begin, as without its secrets or settings. See /aws/lambda/${local.names.poster}. It is repeated by itself, a bill five times in all and then about hourly; nothing is posted twice."
      metric     = "Errors"
      dimensions = local.function.poster
    }
    poster_is_slow = {
      name       = "${local.names.poster} nearly runs out of time"
      what_to_do = "A posting took more than 80 % of its ${local.poster_timeout_seconds} seconds. If bills arrive all the same, wait: QuickBooks is slow. If they do not, see /aws/lambda/${local.names.poster} for the call that takes so long."
      metric     = "Duration"
      dimensions = local.function.poster
      statistic  = "Maximum"
      threshold  = 0.8 * local.poster_timeout_seconds * 1000
    }
    cards_are_late = {
      name       = "${local.names.notifier} is an hour behind"
      what_to_do = "Bills changed an hour ago and their cards in Slack do not show it. After a first extraction this is the queue for Slack's one message a second: wait. Else see /aws/lambda/${local.names.notifier}: Slack may be down, or the function throttled."
      metric     = "IteratorAge"
      dimensions = local.function.notifier
      statistic  = "Maximum"
      threshold  = 60 * 60 * 1000
    }
    postings_are_late = {
      name       = "${aws_sqs_queue.approved.name} is an hour behind"
      what_to_do = "An approved bill has waited an hour for the poster. See whether ${local.names.poster} runs: its log, its reserved_concurrency, and posting_enabled."
      namespace  = "AWS/SQS"
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = aws_sqs_queue.approved.name }
      statistic  = "Maximum"
      threshold  = 60 * 60
    }
    extractor_failures = {
      name       = "${aws_sqs_queue.failures["extractor"].name} is not empty"
      what_to_do = "The extractor failed twice in a row. Later runs make up for it: see /aws/lambda/${local.names.extractor}. Purge this queue once they work: until then this stays in ALARM and tells of no further failure."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.failures["extractor"].name }
      statistic  = "Maximum"
    }
    notifier_failures = {
      name       = "${aws_sqs_queue.failures["notifier"].name} is not empty"
      what_to_do = "Cards in Slack could not be made or changed: see /aws/lambda/${local.names.notifier}. The extractor's next runs try them again. Purge this queue once they are right: until then this stays in ALARM and tells of no further failure."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.failures["notifier"].name }
      statistic  = "Maximum"
    }
    dead_approvals = {
      name       = "${aws_sqs_queue.approved_dead.name} is not empty"
      what_to_do = "Five times the poster was cut off at a message, or was not to be had, or it was no message about a bill: see /aws/lambda/${local.names.poster}. Nothing needs to be sent again: the extractor queues a bill that is still approved again by itself. Purge this queue once the cause is gone: until then this stays in ALARM and tells of no further message."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.approved_dead.name }
      statistic  = "Maximum"
    }
    # A refresh token lasts 100 days from its last use and five years at most; the poster renews each
    # daily and says how many days are left. One metric for all companies: the lowest counts, and a
    # company that is cut off has none. Said once a day, it is billed for an hour a day.
    token_days_left = {
      name       = "odoo-qb-${var.environment} must be connected to QuickBooks again soon"
      what_to_do = "A company's refresh token ends within 14 days, or nobody counted for two: connect it again, put its token into qb_refresh_tokens, raise secrets_version and apply. The log /aws/lambda/${local.names.poster} says which company, and whether the daily check runs."
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

  # Where data must come, its end is told too: the state before the first of it is no change. While
  # the schedules are off none must come; a call by hand makes some, and what follows it is silence.
  insufficient_data_actions = each.value.missing == "missing" && var.schedules_enabled ? [aws_sns_topic.alerts.arn] : []
}

# Who scans the internet is refused all day, without a signature like Slack's. A click has one, so
# one that was signed with another secret than ours, in an hour in which no request was let in, is
# heard of. The function counts it only then, so in other hours that metric costs nothing.
resource "aws_cloudwatch_metric_alarm" "all_clicks_refused" {
  alarm_name          = "${local.names.approval_handler} refuses every click"
  alarm_description   = "Clicks in Slack were signed with another secret than ours, and no other came through for an hour: nothing can be decided. Copy the app's signing secret (Basic Information) into slack_signing_secret, raise secrets_version and apply. If clicks work, somebody imitates Slack, and is refused."
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
