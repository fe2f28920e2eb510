# --- Cards: the table's stream calls the notifier ---

resource "aws_lambda_event_source_mapping" "notifier" {
  event_source_arn                   = aws_dynamodb_table.bills.stream_arn
  function_name                      = aws_lambda_function.function["notifier"].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 20 # fits the timeout at one Slack message a second
  maximum_batching_window_in_seconds = 1
  parallelization_factor             = 1 # one run per shard already exceeds Slack's limit
  maximum_retry_attempts             = 5
  maximum_record_age_in_seconds      = 86400
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]

  # Only bills whose card is out of date: the notifier removes card_due once it has updated it.
  filter_criteria {
    filter {
      pattern = jsonencode({ dynamodb = { NewImage = { card_due = { N = [{ exists = true }] } } } })
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.failures["notifier"].arn
    }
  }

  depends_on = [aws_iam_role_policy.function]
}

# --- Clicks: Slack calls the approval handler ---

# Slack can't sign requests for AWS, so anyone may call, and the handler checks Slack's own signature.
# With NONE, this resource also grants lambda:InvokeFunctionUrl to everyone.
resource "aws_lambda_function_url" "approval_handler" {
  #checkov:skip=CKV_AWS_258: Slack can't sign requests for AWS; the handler checks its signature before anything else
  function_name      = aws_lambda_function.approval_handler.function_name
  authorization_type = "NONE"

  lifecycle {
    # Replacing a function deletes its URL and permissions. Only then is its ARN unknown in the plan.
    replace_triggered_by = [aws_lambda_function.approval_handler.arn]
  }
}

# Since October 2025 a Function URL also needs lambda:InvokeFunction, granted only for calls through
# the URL. Provider 5 doesn't support that condition; CloudFormation does.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
#
# The permission's name contains the URL's id, for two reasons. The stack waits for the URL: AWS refuses
# one of two permissions added at the same time. And a new URL gets a new permission: otherwise
# CloudFormation would see no change.
resource "aws_cloudformation_stack" "approval_url" {
  #checkov:skip=CKV_AWS_124: Terraform creates the stack and reports its failure
  name = "odoo-qb-approval-url-${var.environment}"
  template_body = jsonencode({
    Resources = {
      "InvokeThroughUrl${aws_lambda_function_url.approval_handler.url_id}" = {
        Type = "AWS::Lambda::Permission"
        Properties = {
          Action                = "lambda:InvokeFunction"
          FunctionName          = aws_lambda_function.approval_handler.function_name
          Principal             = "*"
          InvokedViaFunctionUrl = true
        }
      }
    }
  })
}
