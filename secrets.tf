# --- Secrets ---
#
# Here and below the keys are AWS's own (aws/secretsmanager, aws/dynamodb, SSE-S3, SSE-SQS). A key of
# ours would cost a dollar a month and add one thing: its policy could refuse somebody who may
# already read the secret. Who can give himself the one right can give himself the other, and a key
# that is deleted or locked takes the books' evidence with it.

locals {
  quickbooks_token_prefix = "odoo-qb-integration/quickbooks-token-${var.environment}/"

  given_secrets = {
    odoo-credentials       = "How the extractor signs in to Odoo"
    slack-config           = "The Slack app's bot token and signing secret"
    quickbooks-credentials = "The Intuit app, and the first refresh token of each company"
  }
}

resource "aws_secretsmanager_secret" "given" {
  #checkov:skip=CKV_AWS_149: why no key of ours is said above
  #checkov:skip=CKV2_AWS_57: the vendors issue these by hand; secrets_version rolls them
  for_each = local.given_secrets

  name                    = "odoo-qb-integration/${each.key}-${var.environment}"
  description             = each.value
  recovery_window_in_days = local.in_production ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "odoo" {
  secret_id                = aws_secretsmanager_secret.given["odoo-credentials"].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    database = var.odoo_database
    username = var.odoo_username
    api_key  = var.odoo_api_key
  })
}

resource "aws_secretsmanager_secret_version" "slack" {
  secret_id                = aws_secretsmanager_secret.given["slack-config"].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    bot_token      = var.slack_bot_token
    signing_secret = var.slack_signing_secret
  })
}

resource "aws_secretsmanager_secret_version" "quickbooks" {
  secret_id                = aws_secretsmanager_secret.given["quickbooks-credentials"].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    client_id     = var.qb_client_id
    client_secret = var.qb_client_secret
    refresh_tokens = merge(
      var.qb_refresh_token == "" ? {} : { for company in keys(var.qb_realm_ids) : company => var.qb_refresh_token },
      var.qb_refresh_tokens,
    )
  })
}

# Made empty: the poster keeps each company's renewed tokens there, and Terraform never looks in.
resource "aws_secretsmanager_secret" "quickbooks_token" {
  #checkov:skip=CKV_AWS_149: why no key of ours is said above
  #checkov:skip=CKV2_AWS_57: the poster renews it, hourly while it works and daily at least
  for_each = var.qb_realm_ids

  name                    = "${local.quickbooks_token_prefix}${each.key}"
  description             = "The current QuickBooks tokens of ${each.key}, written by the poster alone"
  recovery_window_in_days = local.in_production ? 30 : 0
}
