"""DynamoDB, S3, SQS and SNS."""
