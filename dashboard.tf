# One page that shows how things are going. An account's first three dashboards are free and each further
# one costs $3 a month: dashboard_enabled = false leaves it out. Bills are counted from the logs, because
# a metric for each stage would cost more.

locals {
  log_source = { for name, group in aws_cloudwatch_log_group.function : name => "SOURCE '${group.name}'" }

  # Namespace, metric, dimension and value, in the order a widget expects.
  of_each_function = {
    for metric in ["Errors", "Throttles", "Duration"] : metric => [
      for name in ["extractor", "notifier", "approval_handler", "poster"] : ["AWS/Lambda", metric, "FunctionName", local.names[name]]
    ]
  }
  approved_queue = { for metric in ["NumberOfMessagesVisible", "NumberOfMessagesNotVisible", "AgeOfOldestMessage"] : metric => [
    "AWS/SQS", "Approximate${metric}", "QueueName", aws_sqs_queue.approved.name
  ] }
  dead_letters = [for queue in [aws_sqs_queue.failures["extractor"], aws_sqs_queue.failures["notifier"], aws_sqs_queue.approved_dead] : [
    "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue.name
  ]]

  widgets = [
    { type = "alarm", width = 24, height = 3, properties = {
      title  = "Needs attention: each alarm's description says what to do"
      alarms = [for alarm in concat(values(aws_cloudwatch_metric_alarm.alarm), [aws_cloudwatch_metric_alarm.all_clicks_refused]) : alarm.arn]
    } },
    { type = "log", width = 12, height = 6, properties = {
      title = "Bills waiting: to approve, blocked, not posted, approved over an hour ago"
      view  = "timeSeries"
      query = "${local.log_source.extractor} | filter message = 'extracted' | stats latest(swept.waiting) as to_approve, latest(stuck.blocked) as blocked, latest(stuck.not_posted) as not_posted, latest(stuck.unposted) as unposted by bin(1h)"
    } },
    { type = "log", width = 6, height = 6, properties = {
      title = "Clicks by action"
      view  = "table"
      query = "${local.log_source.approval_handler} | filter message = 'clicked' | stats count(*) as clicks by action"
    } },
    { type = "log", width = 6, height = 6, properties = {
      title = "Approved bills by result"
      view  = "table"
      query = "${local.log_source.poster} | filter message = 'done' | stats count(*) as bills by status"
    } },
    { type = "metric", width = 12, height = 6, properties = {
      title   = "Approved bills in the queue, and the oldest's age in seconds"
      stat    = "Maximum"
      metrics = [local.approved_queue["NumberOfMessagesVisible"], local.approved_queue["NumberOfMessagesNotVisible"], concat(local.approved_queue["AgeOfOldestMessage"], [{ yAxis = "right" }])]
    } },
    { type = "metric", width = 12, height = 6, properties = {
      title   = "Dead letters: messages that failed for good"
      stat    = "Maximum"
      metrics = local.dead_letters
    } },
    { type = "metric", width = 12, height = 6, properties = {
      title   = "Runs that failed or were throttled; clicks that failed (5xx) or were refused (4xx)"
      stat    = "Sum"
      metrics = concat(local.of_each_function["Errors"], local.of_each_function["Throttles"], [for kind in ["Url5xxCount", "Url4xxCount"] : ["AWS/Lambda", kind, "FunctionName", local.names.approval_handler]])
    } },
    { type = "metric", width = 12, height = 6, properties = {
      title   = "Longest run and slowest click, in ms (Slack waits 3,000)"
      stat    = "Maximum"
      metrics = concat(local.of_each_function["Duration"], [["AWS/Lambda", "UrlRequestLatency", "FunctionName", local.names.approval_handler]])
    } },
    { type = "metric", width = 12, height = 6, properties = {
      title   = "Delay from a change to its card, in ms"
      stat    = "Maximum"
      metrics = [["AWS/Lambda", "IteratorAge", "FunctionName", local.names.notifier]]
    } },
    { type = "metric", width = 12, height = 6, properties = {
      title   = "Days until a company must reconnect to QuickBooks"
      stat    = "Minimum"
      period  = 86400
      metrics = [[local.metric_namespace, "RefreshTokenDaysLeft"]]
    } },
  ]
}

resource "aws_cloudwatch_dashboard" "bills" {
  count = var.dashboard_enabled ? 1 : 0

  dashboard_name = "odoo-qb-${var.environment}"
  dashboard_body = jsonencode({
    start = "-P7D"
    widgets = [for widget in local.widgets : merge(widget, { properties = merge(
      { for name, value in { region = var.aws_region } : name => value if widget.type != "alarm" }, # an alarm's ARN has it
      widget.properties,
    ) })]
  })
}
