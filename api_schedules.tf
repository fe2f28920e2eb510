# The API's schedules: a client makes and deletes them, EventBridge Scheduler fires them, and the mirror's
# function does the work. Their list is in the mirror's table; what is here is the group they live in. All
# of it depends on api_enabled. When the group is deleted, AWS deletes the schedules in it; when it is made
# again, the API and the mirror's daily run put them back from the table.

locals {
  tasks               = "odoo-tasks-${var.environment}"
  task_failures       = "odoo-tasks-failures-${var.environment}"
  api_schedules_count = var.mirror_enabled && var.api_enabled ? 1 : 0

  # Of the mirror's function, whose environment has it: the resource itself cannot say it there.
  task_function_arns = [
    for group in aws_scheduler_schedule_group.tasks :
    "arn:${split(":", group.arn)[1]}:lambda:${var.aws_region}:${data.aws_caller_identity.current.account_id}:function:${local.mirror}"
  ]

  # In the environment of the API and of the mirror, which repairs schedules once a day.
  api_schedule_environment = { for n, group in aws_scheduler_schedule_group.tasks : "TASK_SCHEDULES" => jsonencode({
    group           = group.name
    function_arn    = local.task_function_arns[n]
    role_arn        = aws_iam_role.tasks[n].arn
    dead_letter_arn = aws_sqs_queue.task_failures[n].arn
  }) }

  # What both may do with the group: nothing while there is no API.
  schedule_grants = merge([
    for n, group in aws_scheduler_schedule_group.tasks : {
      KeepSchedules = {
        actions   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule"]
        resources = ["${replace(group.arn, ":schedule-group/", ":schedule/")}/*"]
      }
      ListSchedules = {
        actions   = ["scheduler:ListSchedules"]
        resources = ["*"] # AWS lets no one name a group here
      }
      PassTheSchedulesRole = {
        actions   = ["iam:PassRole"]
        resources = [aws_iam_role.tasks[n].arn]
        condition = { StringEquals = { "iam:PassedToService" = "scheduler.amazonaws.com" } }
      }
    }
  ]...)

  # The API's role merges these with its own.
  api_schedule_grants = merge(local.schedule_grants, [
    for table in slice(aws_dynamodb_table.mirror, 0, local.api_schedules_count) : {
      KeepScheduleItems = {
        actions   = ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
        resources = [table.arn]
        condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["api#schedules"] } }
      }
    }
  ]...)
}

resource "aws_scheduler_schedule_group" "tasks" {
  count = local.api_schedules_count

  name = local.tasks
}

# --- What a schedule may do ---

# Only Scheduler takes this role, for schedules of this group alone: someone else's could otherwise use it.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
resource "aws_iam_role" "tasks" {
  count = local.api_schedules_count

  name        = local.tasks
  description = "What the schedules in ${local.tasks} may do"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = data.aws_caller_identity.current.account_id
          "aws:SourceArn"     = aws_scheduler_schedule_group.tasks[count.index].arn
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "tasks" {
  count = local.api_schedules_count

  name = "needs"
  role = aws_iam_role.tasks[count.index].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for need, grant in {
        StartTheMirror = {
          actions   = ["lambda:InvokeFunction"]
          resources = [aws_lambda_function.mirror[count.index].arn]
        }
        ReportWhatCouldNotStart = {
          actions   = ["sqs:SendMessage"]
          resources = [aws_sqs_queue.task_failures[count.index].arn]
        }
      } : { Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources }
    ]
  })
}

# --- What could not start ---

resource "aws_sqs_queue" "task_failures" {
  count = local.api_schedules_count

  name                      = local.task_failures
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}

resource "aws_cloudwatch_metric_alarm" "task_failures" {
  count = local.api_schedules_count

  alarm_name          = "${local.task_failures} is not empty"
  alarm_description   = "A schedule made with the API could not start the function ${local.mirror}. The message in this queue names the schedule and AWS's reason (ERROR_CODE): usually the function or the role ${local.tasks} was changed or deleted by hand. Apply Terraform again. Later times of the schedule are not affected. Once it runs, purge this queue: until then the alarm stays on and won't report further failures."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = local.task_failures }
  statistic           = "Maximum"
  comparison_operator = local.usual_alarm.operator
  threshold           = local.usual_alarm.threshold
  period              = local.usual_alarm.period
  evaluation_periods  = local.usual_alarm.periods
  datapoints_to_alarm = local.usual_alarm.needed
  treat_missing_data  = local.usual_alarm.missing
  alarm_actions       = [aws_sns_topic.alerts.arn]
}
