# --- Posting: the queue of approved bills calls the poster ---

# FIFO with a group per company, so that each company's bills are posted one at a time.
resource "aws_sqs_queue" "approved" {
  name                       = "odoo-approved-invoices-${var.environment}.fifo"
  fifo_queue                 = true
  visibility_timeout_seconds = 6 * local.poster_timeout_seconds
  message_retention_seconds  = local.fourteen_days
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.approved_dead.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "approved_dead" {
  name                      = "odoo-approved-invoices-dlq-${var.environment}.fifo"
  fifo_queue                = true
  message_retention_seconds = local.fourteen_days
  sqs_managed_sse_enabled   = true
}

resource "aws_lambda_event_source_mapping" "poster" {
  event_source_arn        = aws_sqs_queue.approved.arn
  function_name           = aws_lambda_function.function["poster"].arn
  batch_size              = 1
  enabled                 = var.posting_enabled
  function_response_types = ["ReportBatchItemFailures"]

  # Leaves runs of the account for clicks, which Slack waits three seconds for.
  scaling_config {
    maximum_concurrency = var.postings_at_once
  }

  depends_on = [aws_iam_role_policy.function]
}
