# Who hears of what went wrong. The functions publish to the same topic what a person must do.

# Not encrypted with AWS's own key, which alarms may not use; a message holds ids and sentences.
resource "aws_sns_topic" "alerts" {
  name = "odoo-qb-alerts-${var.environment}"
}

resource "aws_sns_topic_subscription" "alerts" {
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = var.alert_email
}

locals {
  failure_queues = {
    extractor = { name = aws_sqs_queue.failures["extractor"].name, meaning = "The extractor failed twice: bills in Odoo are not read until it works again." }
    notifier  = { name = aws_sqs_queue.failures["notifier"].name, meaning = "Cards in Slack could not be made or changed: the extractor's next runs try them again." }
    approved  = { name = aws_sqs_queue.approved_dead.name, meaning = "Approved bills could not be posted in five tries: see the poster's log, then redrive this queue." }
  }
}

resource "aws_cloudwatch_metric_alarm" "failure_queue" {
  for_each = local.failure_queues

  alarm_name          = "${each.value.name} is not empty"
  alarm_description   = each.value.meaning
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = local.names

  alarm_name          = "${each.value} fails"
  alarm_description   = "A run of ${each.value} ended in an error: see its log group, /aws/lambda/${each.value}."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = each.value }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}

# A refresh token lasts 100 days from its last use and five years at most; the poster renews each
# daily and says how many days are left. One metric for all companies: the lowest counts.
resource "aws_cloudwatch_metric_alarm" "token_days_left" {
  alarm_name          = "odoo-qb-${var.environment} must be connected to QuickBooks again soon"
  alarm_description   = "A company's refresh token ends within 14 days: connect it again and apply the new token. The poster's log says which company."
  namespace           = "OdooQuickBooks"
  metric_name         = "RefreshTokenDaysLeft"
  statistic           = "Minimum"
  period              = 86400
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 14
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}
