# Vendor bills go from Odoo through an approval in Slack to QuickBooks Online.
#
# A file per concern, in a bill's order: company_settings.tf, functions.tf, permissions.tf, secrets.tf,
# storage.tf, schedules.tf, slack.tf, posting.tf; then alarms.tf and dashboard.tf. mirror.tf, webhook.tf,
# api.tf, api_schedules.tf and intake.tf stand beside them and are off unless turned on. Here is what they
# share.

terraform {
  required_version = ">= 1.11" # write-only arguments

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = {
      Application = "odoo-qb"
      Environment = var.environment
    }
  }
}

data "aws_caller_identity" "current" {}

# --- Names and values that several files share ---

locals {
  in_production = var.environment == "prod"

  names = {
    extractor        = "odoo-extractor-${var.environment}"
    notifier         = "odoo-notifier-${var.environment}"
    approval_handler = "odoo-approval-handler-${var.environment}"
    poster           = "odoo-poster-${var.environment}"
  }

  # Whom each function's role trusts.
  taken_on_by_lambda = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })

  # The approved queue hides a message for six times the poster's timeout, so both need it.
  poster_timeout_seconds = 120
  fourteen_days          = 14 * 24 * 60 * 60

  # Per deployment: another one in the same account must not affect the alarms of this one.
  metric_namespace = "OdooQuickBooks/${var.environment}"

  qb_production_url  = "https://quickbooks.api.intuit.com"
  qb_sandbox_url     = "https://sandbox-quickbooks.api.intuit.com"
  quickbooks_api_url = coalesce(var.quickbooks_api_url, var.qb_use_sandbox ? local.qb_sandbox_url : local.qb_production_url)
}
