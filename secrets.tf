# --- Secrets ---
#
# Encryption uses AWS's own keys (aws/secretsmanager, aws/dynamodb, SSE-S3, SSE-SQS). A key of our own
# would cost a dollar a month and add one thing: its policy could refuse someone who may read the secret.
# But whoever can grant themselves one permission can grant the other, and a deleted or locked key would
# take the audit evidence with it.

locals {
  quickbooks_token_prefix = "odoo-qb-integration/quickbooks-token-${var.environment}/"

  given_secrets = {
    odoo-credentials       = "Odoo login of the extractor"
    slack-config           = "Bot token and signing secret of the Slack app"
    quickbooks-credentials = "Credentials of the Intuit app, and each company's initial refresh token"
  }
}

resource "aws_secretsmanager_secret" "given" {
  #checkov:skip=CKV_AWS_149: the reason for AWS's own key is above
  #checkov:skip=CKV2_AWS_57: the vendors issue these by hand; secrets_version rotates them
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

# Created empty: the poster stores each company's renewed tokens here, and Terraform never reads them.
resource "aws_secretsmanager_secret" "quickbooks_token" {
  #checkov:skip=CKV_AWS_149: the reason for AWS's own key is above
  #checkov:skip=CKV2_AWS_57: the poster renews it hourly while posting, and at least daily
  for_each = var.qb_realm_ids

  name                    = "${local.quickbooks_token_prefix}${each.key}"
  description             = "Current QuickBooks tokens of ${each.key}, written only by the poster"
  recovery_window_in_days = local.in_production ? 30 : 0
}
