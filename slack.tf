# --- The card in Slack: from the table's stream to the notifier ---

resource "aws_lambda_event_source_mapping" "notifier" {
  event_source_arn                   = aws_dynamodb_table.bills.stream_arn
  function_name                      = aws_lambda_function.function["notifier"].arn
  starting_position                  = "TRIM_HORIZON"
  batch_size                         = 20 # at Slack's one message a second, within the timeout
  maximum_batching_window_in_seconds = 1
  parallelization_factor             = 1 # a run for each shard of the stream is more than Slack takes
  maximum_retry_attempts             = 5
  maximum_record_age_in_seconds      = 86400
  bisect_batch_on_function_error     = true
  function_response_types            = ["ReportBatchItemFailures"]

  # Only what the card still owes: the notifier's own bookkeeping removes card_due.
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

# --- The click: Slack calls the approval handler ---

# Slack cannot sign as AWS wants, so anybody may call, and the handler checks Slack's signature.
# With NONE this resource also grants lambda:InvokeFunctionUrl to everybody.
resource "aws_lambda_function_url" "approval_handler" {
  #checkov:skip=CKV_AWS_258: Slack cannot sign as AWS wants; the handler checks its signature before anything else
  function_name      = aws_lambda_function.approval_handler.function_name
  authorization_type = "NONE"

  lifecycle {
    # A function takes its URL and its permissions with it. Its ARN is planned anew only then.
    replace_triggered_by = [aws_lambda_function.approval_handler.arn]
  }
}

# Since October 2025 a Function URL also needs lambda:InvokeFunction, granted only for calls through
# the URL. Provider 5 cannot say that condition; CloudFormation can.
# https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
#
# The permission's id has the URL's in it. So the stack waits for the URL, for of two permissions that
# are added at once AWS refuses one; and it is made anew for a new URL, where CloudFormation by itself
# would see no change.
resource "aws_cloudformation_stack" "approval_url" {
  #checkov:skip=CKV_AWS_124: Terraform makes the stack and tells of its failure
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
