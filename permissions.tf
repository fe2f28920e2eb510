# What each function may do, and nothing else. Each need is one statement in the function's role, named
# after its purpose, with exact actions on exact resources.

locals {
  # One ARN for all companies' tokens: with one each, the policy would exceed 10,240 characters at about
  # seventy companies.
  secrets_of_ours   = "${split(":secret:", aws_secretsmanager_secret.given["quickbooks-credentials"].arn)[0]}:secret:"
  quickbooks_tokens = "${local.secrets_of_ours}${local.quickbooks_token_prefix}*"

  needs = {
    extractor = {
      ReadOdooCredentials = {
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [aws_secretsmanager_secret.given["odoo-credentials"].arn]
      }
      KeepBills = {
        actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        resources = [aws_dynamodb_table.bills.arn]
      }
      FindBillsByStatus = {
        actions   = ["dynamodb:Query"]
        resources = [for index in ["status-index", "company-status-index"] : "${aws_dynamodb_table.bills.arn}/index/${index}"]
      }
      KeepDocuments = {
        actions   = ["s3:PutObject"]
        resources = [for folder in ["pending", "lines", "audit"] : "${aws_s3_bucket.documents.arn}/${folder}/*"]
      }
      ReadLinesAndReference = {
        actions   = ["s3:GetObject"]
        resources = [for folder in ["lines", "reference"] : "${aws_s3_bucket.documents.arn}/${folder}/*"]
      }
      SendApprovedBillsAgain = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.approved.arn]
      }
      ReportFailedRuns = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.failures["extractor"].arn]
      }
      TellPeople = {
        actions   = ["sns:Publish"]
        resources = [aws_sns_topic.alerts.arn]
      }
    }
    notifier = {
      ReadSlackConfig = {
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [aws_secretsmanager_secret.given["slack-config"].arn]
      }
      ReadChanges = {
        actions   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        resources = [aws_dynamodb_table.bills.stream_arn]
      }
      FindStream = {
        actions   = ["dynamodb:ListStreams"]
        resources = ["${aws_dynamodb_table.bills.arn}/stream/*"]
      }
      KeepCards = {
        actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        resources = [aws_dynamodb_table.bills.arn]
      }
      ReportFailedChanges = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.failures["notifier"].arn]
      }
    }
    approval_handler = {
      ReadSlackConfig = {
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [aws_secretsmanager_secret.given["slack-config"].arn]
      }
      DecideBills = {
        actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        resources = [aws_dynamodb_table.bills.arn]
      }
      SendApprovedBills = {
        actions   = ["sqs:SendMessage"]
        resources = [aws_sqs_queue.approved.arn]
      }
      LinkDocuments = {
        actions   = ["s3:GetObjectVersion"] # links open the version the card shows
        resources = ["${aws_s3_bucket.documents.arn}/pending/*"]
      }
    }
    poster = {
      ReadQuickBooksCredentials = {
        actions   = ["secretsmanager:GetSecretValue"]
        resources = [aws_secretsmanager_secret.given["quickbooks-credentials"].arn]
      }
      RenewQuickBooksTokens = {
        actions   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
        resources = [local.quickbooks_tokens]
      }
      TakeApprovedBills = {
        actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        resources = [aws_sqs_queue.approved.arn]
      }
      PostBills = {
        actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
        resources = [aws_dynamodb_table.bills.arn]
      }
      ReadApprovedDocuments = {
        actions   = ["s3:GetObjectVersion"] # the version that was approved, not the latest
        resources = ["${aws_s3_bucket.documents.arn}/pending/*"]
      }
      ReadLines = {
        actions   = ["s3:GetObject"]
        resources = ["${aws_s3_bucket.documents.arn}/lines/*"]
      }
      KeepReferenceAndLongAttempts = {
        actions   = ["s3:GetObject", "s3:PutObject"]
        resources = [for folder in ["reference", "attempts"] : "${aws_s3_bucket.documents.arn}/${folder}/*"]
      }
      TellPeople = {
        actions   = ["sns:Publish"]
        resources = [aws_sns_topic.alerts.arn]
      }
    }
  }
}

resource "aws_iam_role" "function" {
  for_each = local.names

  name               = each.value
  description        = "What ${each.value} may do"
  assume_role_policy = local.taken_on_by_lambda
}

resource "aws_iam_role_policy" "function" {
  for_each = local.needs

  name = "needs"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for need, grant in merge(each.value, {
        WriteLogs = {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          resources = ["${aws_cloudwatch_log_group.function[each.key].arn}:*"]
        }
        ReadSettings = {
          actions   = ["dynamodb:GetItem"]
          resources = [aws_dynamodb_table.settings.arn]
        }
      }) : { Sid = need, Effect = "Allow", Action = grant.actions, Resource = grant.resources }
    ]
  })
}
