# --- The documents ---

resource "aws_s3_bucket" "documents" {
  #checkov:skip=CKV_AWS_18: the handler logs who opened a document; access logs would need a second bucket
  #checkov:skip=CKV_AWS_144: Odoo has every document too
  #checkov:skip=CKV_AWS_145: secrets.tf says why no key of our own
  #checkov:skip=CKV2_AWS_62: nothing is triggered by a document
  bucket        = "odoo-qb-invoices-${var.environment}-${data.aws_caller_identity.current.account_id}-${var.aws_region}"
  force_destroy = !local.in_production
}

# A version id identifies the bytes that were approved, even if the key is overwritten later.
resource "aws_s3_bucket_versioning" "documents" {
  bucket = aws_s3_bucket.documents.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "documents" {
  bucket = aws_s3_bucket.documents.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "documents" {
  bucket                  = aws_s3_bucket.documents.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "documents" {
  bucket = aws_s3_bucket.documents.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyOverTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.documents.arn, "${aws_s3_bucket.documents.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.documents] # two changes to a bucket at once collide
}

resource "aws_s3_bucket_lifecycle_configuration" "documents" {
  bucket = aws_s3_bucket.documents.id

  rule {
    id     = "abort-unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "expire-replaced-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.record_retention_days
    }
  }

  # Replaced every hour, and no bill refers to an earlier version. The shorter of two rules applies.
  rule {
    id     = "expire-replaced-reference"
    status = "Enabled"
    filter {
      prefix = "reference/"
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  depends_on = [aws_s3_bucket_versioning.documents]
}

# --- The bills ---

resource "aws_dynamodb_table" "bills" {
  #checkov:skip=CKV_AWS_119: secrets.tf says why no key of our own
  name                        = "odoo-qb-invoices-${var.environment}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "entry_id"
  deletion_protection_enabled = local.in_production
  stream_enabled              = true
  stream_view_type            = "NEW_AND_OLD_IMAGES"

  attribute {
    name = "entry_id"
    type = "S"
  }
  attribute {
    name = "status"
    type = "S"
  }
  attribute {
    name = "updated_at"
    type = "S"
  }
  attribute {
    name = "company"
    type = "S"
  }

  global_secondary_index {
    name            = "status-index"
    hash_key        = "status"
    range_key       = "updated_at"
    projection_type = "KEYS_ONLY"
  }
  global_secondary_index {
    name            = "company-status-index"
    hash_key        = "company"
    range_key       = "status"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled = true
  }
}

# --- The companies' settings ---

# In a table, because a function's environment holds at most 4 kB. In a table of their own, which no
# function may write: only Terraform sets who may approve, and above which amount two must.
resource "aws_dynamodb_table" "settings" {
  #checkov:skip=CKV_AWS_119: secrets.tf says why no key of our own
  name                        = "odoo-qb-settings-${var.environment}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "entry_id" # as in the bills' table, where 1.0 kept the item
  deletion_protection_enabled = local.in_production

  attribute {
    name = "entry_id"
    type = "S"
  }
  point_in_time_recovery {
    enabled = true
  }
  server_side_encryption {
    enabled = true
  }
}

resource "aws_dynamodb_table_item" "company_settings" {
  table_name = aws_dynamodb_table.settings.name
  hash_key   = aws_dynamodb_table.settings.hash_key
  item       = local.settings_item

  # The functions restart once this is written. The copy comes first, so that there is no moment at
  # which one of them, of whichever version, finds neither.
  depends_on = [aws_dynamodb_table_item.settings]

  lifecycle {
    # If an upgrade from 1.0 is undone, Terraform updates the functions first and deletes this last.
    create_before_destroy = true
  }
}

# 1.0 kept the item among the bills, at this address. It stays there, up to date: functions of 1.0 read
# it until the upgrade has replaced the last of them, and again if the upgrade is undone. Functions of this
# version read it only during an upgrade, until their role allows the table above.
resource "aws_dynamodb_table_item" "settings" {
  table_name = aws_dynamodb_table.bills.name
  hash_key   = aws_dynamodb_table.bills.hash_key
  item       = local.settings_item
}
