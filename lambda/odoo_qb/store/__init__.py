"""DynamoDB, S3, SQS, SNS and SES."""
