# What an operator needs next: to connect Slack, to look up a bill, to run a function by hand.

output "approval_handler_url" {
  description = "The address Slack sends clicks to: the manifest's request URL."
  value       = aws_lambda_function_url.approval_handler.function_url
}

output "s3_bucket" {
  description = "Bucket with the bills' documents."
  value       = aws_s3_bucket.documents.bucket
}

output "dynamodb_table" {
  description = "Table with the bills, their decisions and their history."
  value       = aws_dynamodb_table.bills.name
}

output "sqs_queue_url" {
  description = "Queue of approved bills waiting to be posted to QuickBooks."
  value       = aws_sqs_queue.approved.url
}

output "sqs_dlq_url" {
  description = "Queue of messages that failed five times. Purge it once the cause is fixed: bills that are still approved are queued again automatically."
  value       = aws_sqs_queue.approved_dead.url
}

output "lambda_function_names" {
  description = "Function names by role, for `aws lambda invoke` and `aws logs tail`."
  value       = local.names
}

output "lambda_function_arns" {
  description = "Function ARNs by role."
  value = merge(
    { for name, function in aws_lambda_function.function : name => function.arn },
    { approval_handler = aws_lambda_function.approval_handler.arn },
  )
}

output "secret_arns" {
  description = "Secret ARNs: those Terraform fills, and as quickbooks-token/<company> those the poster writes."
  value = merge(
    { for name, secret in aws_secretsmanager_secret.given : name => secret.arn },
    { for company, secret in aws_secretsmanager_secret.quickbooks_token : "quickbooks-token/${company}" => secret.arn },
  )
}

output "sns_alerts_topic_arn" {
  description = "Topic of the alerts, to add subscribers."
  value       = aws_sns_topic.alerts.arn
}

output "mirror_table" {
  description = "Table with the mirrored records; null while the mirror is off."
  value       = one(aws_dynamodb_table.mirror[*].name)
}

output "mirror_function_name" {
  description = "Name of the mirror's function, for `aws lambda invoke` and `aws logs tail`; null while the mirror is off."
  value       = one(aws_lambda_function.mirror[*].function_name)
}

output "mirror_connections" {
  description = "What is mirrored, by the connection's key: the flow's own Odoo is odoo. Null while the mirror is off."
  value = var.mirror_enabled ? merge(
    { odoo = { url = var.odoo_api_url, database = var.odoo_database } },
    { for id, connection in local.erp_connections : id => { url = connection.url, database = connection.database } },
  ) : null
}

output "slack_app_manifest" {
  description = "Manifest of the Slack app: paste it at api.slack.com/apps, Create New App, From a manifest, JSON."
  value = jsonencode({
    _metadata = { major_version = 2, minor_version = 1 }
    display_information = {
      name             = local.in_production ? "Vendor bills" : "Vendor bills ${var.environment}"
      description      = "Approve vendor bills before they are posted to QuickBooks"
      background_color = "#1f3a4d"
      long_description = join(" ", [
        "Every vendor bill that is posted in Odoo appears here as a card with its lines, totals, warnings and the document itself.",
        "An approver decides with one click: approve it, or reject it with a reason.",
        "An approved bill is posted to QuickBooks Online once, exactly as the card showed it, and the card then links to it there.",
        "A bill that changes in Odoo after its card was posted gets a new card, and a click on the old one decides nothing.",
      ])
    }
    features = {
      bot_user = { display_name = "Vendor bills", always_online = true }
    }
    oauth_config = {
      scopes = {
        bot = ["channels:read", "chat:write", "groups:read", "usergroups:read", "users:read", "users:read.email"]
      }
    }
    settings = {
      interactivity          = { is_enabled = true, request_url = aws_lambda_function_url.approval_handler.function_url }
      org_deploy_enabled     = false
      socket_mode_enabled    = false
      token_rotation_enabled = false
    }
  })
}

output "api_url" {
  description = "Address of the API; /docs describes it. Null while the API is off."
  value       = local.api_count == 0 ? null : var.api_domain == "" ? one(aws_apigatewayv2_api.api[*].api_endpoint) : "https://${var.api_domain}"
}

output "api_domain_target" {
  description = "Where a CNAME record of api_domain must point; null without a domain."
  value       = one(aws_apigatewayv2_domain_name.api[*].domain_name_configuration[0].target_domain_name)
}

output "webhook_function_names" {
  description = "Names of the webhook's functions, for `aws lambda invoke` and `aws logs tail`; null while the webhook is off."
  value       = local.webhook_enabled ? { for key, function in aws_lambda_function.webhook : key => function.function_name } : null
}

output "webhook_queue_urls" {
  description = "Queue of changes on their way to the endpoint, and of those that were given up. Null while the webhook is off."
  value       = local.webhook_enabled ? { waiting = aws_sqs_queue.webhook[0].url, dead = aws_sqs_queue.webhook_dead[0].url } : null
}

output "intake_state_machine_arn" {
  description = "State machine that takes in invoices, for `aws stepfunctions start-execution`; null while the intake is off."
  value       = one(aws_sfn_state_machine.intake[*].arn)
}

output "intake_table" {
  description = "Table with the invoices taken in and the last number of each year; null while the intake is off."
  value       = one(aws_dynamodb_table.intake[*].name)
}

output "intake_topic_arn" {
  description = "Topic on which the outcome of each invoice is announced, to add subscribers; null while the intake is off."
  value       = one(aws_sns_topic.intake[*].arn)
}

output "intake_function_names" {
  description = "Names of the intake's functions by state, for `aws logs tail`; empty while the intake is off."
  value       = { for key, function in aws_lambda_function.intake : key => function.function_name }
}
