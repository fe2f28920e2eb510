# Values that cannot be right are refused before anything is made: a run for each validation.

mock_provider "aws" {}

variables {
  alert_email          = "bills@example.com"
  extract_since        = "2026-01-01"
  odoo_api_url         = "https://example.odoo.com"
  odoo_database        = "example"
  odoo_username        = "bills@example.com"
  odoo_api_key         = "odoo-key"
  slack_channel_id     = "C0123456789"
  slack_bot_token      = "xoxb-token"
  slack_signing_secret = "signing"
  qb_refresh_token     = ""
  erp_credentials      = {}
  api_tokens           = {}
  api_previous_tokens  = {}
  qb_client_id         = "client"
  qb_client_secret     = "client-secret"
  qb_realm_ids         = { north = "9130350000000001", south = "9130350000000002" }
  qb_refresh_tokens    = { north = "north-token", south = "south-token" }
  company_settings     = { north = { odoo_company = "North Ltd" } }

  webhook_secret          = ""
  webhook_previous_secret = ""
}

run "values_of_the_wrong_form_are_refused" {
  command = plan

  variables {
    environment               = "Prod"
    alert_email               = "nobody"
    log_retention_days        = 8
    odoo_api_url              = "http://example.odoo.com"
    odoo_database             = ""
    odoo_username             = " "
    odoo_api_key              = ""
    slack_api_url             = "https://user:password@slack.com/api/"
    quickbooks_api_url        = "ftp://intuit.com"
    quickbooks_oauth_url      = "http://127.0.0.1:80@intuit.com/"
    schedule_rate             = "rate(1 minutes)"
    extract_since             = "2026-02-30"
    record_retention_days     = 0
    slack_messages_per_second = 0.1
    slack_channel_id          = "#bills"
    slack_bot_token           = "xoxp-user"
    slack_signing_secret      = " "
    rejection_notify_users    = ["anna"]
    secrets_version           = 0
    reserved_concurrency      = { notifier = -1 }

    qb_client_id                = ""
    qb_client_secret            = " "
    quickbooks_calls_per_minute = 29
    postings_at_once            = 1
  }

  expect_failures = [
    var.environment, var.alert_email, var.log_retention_days, var.odoo_api_url, var.slack_api_url,
    var.quickbooks_api_url, var.quickbooks_oauth_url, var.schedule_rate, var.extract_since,
    var.record_retention_days, var.slack_channel_id, var.slack_bot_token, var.slack_signing_secret,
    var.rejection_notify_users, var.secrets_version, var.reserved_concurrency, var.slack_messages_per_second,
    var.odoo_database, var.odoo_username, var.odoo_api_key, var.qb_client_id, var.qb_client_secret,
    var.quickbooks_calls_per_minute, var.postings_at_once,
  ]
}

run "quickbooks_is_not_called_faster_than_intuit_allows" {
  command = plan

  variables {
    quickbooks_calls_per_minute = 501
  }

  expect_failures = [var.quickbooks_calls_per_minute]
}

run "a_token_with_a_space_at_its_end_is_refused" {
  command = plan

  variables {
    slack_bot_token = "xoxb-token "
  }

  expect_failures = [var.slack_bot_token]
}

run "concurrency_of_a_function_that_is_not_there_is_refused" {
  command = plan

  variables {
    reserved_concurrency = { pooster = 1 }
  }

  expect_failures = [var.reserved_concurrency]
}

run "the_poster_is_not_switched_off_by_spending_its_approvals" {
  command = plan

  variables {
    reserved_concurrency = { poster = 0 }
  }

  expect_failures = [var.reserved_concurrency]
}

run "several_companies_may_not_share_a_token" {
  command = plan

  variables {
    qb_refresh_token = "only-token"
  }

  expect_failures = [var.qb_refresh_token]
}

run "every_company_needs_a_token" {
  command = plan

  variables {
    qb_refresh_tokens = { north = "north-token" }
  }

  expect_failures = [var.qb_refresh_tokens]
}

run "a_token_of_a_company_that_is_not_there_is_refused" {
  command = plan

  variables {
    qb_refresh_tokens = { north = "n", south = "s", nowhere = "x" }
  }

  expect_failures = [var.qb_refresh_tokens]
}

run "two_companies_in_one_realm_are_refused" {
  command = plan

  variables {
    qb_realm_ids = { north = "9130350000000001", south = "9130350000000001" }
  }

  expect_failures = [var.qb_realm_ids]
}

run "a_company_key_that_cannot_name_a_file_is_refused" {
  command = plan

  variables {
    qb_realm_ids      = { north = "9130350000000001", "no/rth" = "9130350000000002" }
    qb_refresh_tokens = { north = "n", "no/rth" = "s" }
    company_settings  = {}
  }

  expect_failures = [var.qb_realm_ids]
}

run "a_realm_that_is_no_number_is_refused" {
  command = plan

  variables {
    qb_realm_ids = { north = "9130 3500 0000 0001", south = "9130350000000002" }
  }

  expect_failures = [var.qb_realm_ids]
}

run "a_deployment_without_a_company_is_refused" {
  command = plan

  variables {
    qb_realm_ids      = {}
    qb_refresh_tokens = {}
    company_settings  = {}
  }

  expect_failures = [var.qb_realm_ids]
}

run "settings_that_are_no_map_of_companies_are_refused" {
  command = plan

  variables {
    company_settings = "north"
  }

  expect_failures = [var.company_settings]
}

run "a_company_without_any_settings_is_written_as_such" {
  command = plan

  variables {
    company_settings = { north = null }
  }

  expect_failures = [var.company_settings]
}

run "settings_of_a_company_that_is_not_there_are_refused" {
  command = plan

  variables {
    company_settings = { nowhere = {} }
  }

  expect_failures = [var.company_settings]
}

run "a_mistyped_setting_is_not_dropped_with_its_control" {
  command = plan

  variables {
    company_settings = { north = { approver = ["U1"], two_approval_above = 1000 } }
  }

  expect_failures = [var.company_settings]
}

run "a_text_is_not_something_else" {
  command = plan

  variables {
    company_settings = { north = { default_account = ["Rent"] } }
  }

  expect_failures = [var.company_settings]
}

run "a_text_is_not_blank" {
  command = plan

  variables {
    company_settings = { north = { odoo_company = " " } }
  }

  expect_failures = [var.company_settings]
}

run "a_name_in_odoo_has_no_space_at_its_end" {
  command = plan

  variables {
    company_settings = { north = { odoo_company = "North Ltd " } }
  }

  expect_failures = [var.company_settings]
}

run "a_number_is_not_a_text" {
  command = plan

  variables {
    company_settings = { north = { two_approvals_above = "many" } }
  }

  expect_failures = [var.company_settings]
}

run "a_limit_for_two_approvals_is_not_negative" {
  command = plan

  variables {
    company_settings = { north = { two_approvals_above = -1 } }
  }

  expect_failures = [var.company_settings]
}

run "reminders_do_not_come_before_the_bill" {
  command = plan

  variables {
    company_settings = { north = { reminder_hours = -1 } }
  }

  expect_failures = [var.company_settings]
}

run "a_way_to_post_tax_is_one_of_three" {
  command = plan

  variables {
    company_settings = { north = { tax = "round" } }
  }

  expect_failures = [var.company_settings]
}

run "tax_on_lines_is_true_or_false" {
  command = plan

  variables {
    company_settings = { north = { tax_on_lines = "always" } }
  }

  expect_failures = [var.company_settings]
}

run "a_country_is_two_letters" {
  command = plan

  variables {
    company_settings = { north = { country = "Britain" } }
  }

  expect_failures = [var.company_settings]
}

run "a_due_date_is_the_first_open_or_the_last" {
  command = plan

  variables {
    company_settings = { north = { due_date = "first" } }
  }

  expect_failures = [var.company_settings]
}

run "a_list_is_not_a_text" {
  command = plan

  variables {
    company_settings = { north = { intercompany_vendors = "South Ltd" } }
  }

  expect_failures = [var.company_settings]
}

run "a_map_is_not_a_list" {
  command = plan

  variables {
    company_settings = { north = { accounts = ["6110"] } }
  }

  expect_failures = [var.company_settings]
}

run "companies_that_would_be_mixed_up_are_refused" {
  command = plan

  variables {
    company_settings = { north = { odoo_company = "south" } }
  }

  expect_failures = [var.company_settings]
}

run "a_companys_channel_is_named_by_its_id" {
  command = plan

  variables {
    company_settings = { north = { slack_channel_id = "#north" } }
  }

  expect_failures = [var.company_settings]
}

run "a_companys_own_start_is_a_date_that_exists" {
  command = plan

  variables {
    company_settings = { north = { extract_since = "2026-02-30" } }
  }

  expect_failures = [var.company_settings]
}

run "approvers_are_named_by_their_ids" {
  command = plan

  variables {
    company_settings = { north = { approvers = ["anna"] } }
  }

  expect_failures = [var.company_settings]
}

run "escalation_names_people_by_their_ids" {
  command = plan

  variables {
    company_settings = { north = { escalation_approvers = ["@finance"] } }
  }

  expect_failures = [var.company_settings]
}

run "nobody_approves_for_two" {
  command = plan

  variables {
    company_settings = { north = { two_approvals_above = 1000, approvers = ["U1", "U1"] } }
  }

  expect_failures = [var.company_settings]
}

run "books_close_on_a_day_that_every_month_has" {
  command = plan

  variables {
    company_settings = { north = { books_close_day = 29 } }
  }

  expect_failures = [var.company_settings]
}

run "two_approvals_need_two_approvers" {
  command = plan

  variables {
    company_settings = { north = { two_approvals_above = 1000, approvers = ["U1"] } }
  }

  expect_failures = [var.company_settings]
}

run "a_time_zone_has_an_area_and_a_city" {
  command = plan

  variables {
    company_settings = { north = { time_zone = "Paris time" } }
  }

  expect_failures = [var.company_settings]
}

run "quiet_hours_are_times_of_the_day" {
  command = plan

  variables {
    company_settings = { north = { quiet_hours = "18-8" } }
  }

  expect_failures = [var.company_settings]
}

run "a_mirror_runs_at_a_rate_that_eventbridge_knows" {
  command = plan

  variables {
    mirror_rate = "every minute"
  }

  expect_failures = [var.mirror_rate]
}

run "connections_are_a_map" {
  command = plan

  variables {
    erp_connections = ["ledger"]
  }

  expect_failures = [var.erp_connections]
}

run "a_connections_key_can_be_part_of_a_name" {
  command = plan

  variables {
    erp_connections = { Ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = { Ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "the_flows_own_connection_keeps_its_key" {
  command = plan

  variables {
    erp_connections = { odoo = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = { odoo = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "a_mistyped_setting_of_a_connection_is_refused" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key", companys = ["North Ltd"] } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "only_what_can_be_mirrored_is_a_type" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "sap", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "a_salesforce_signs_in_as_an_app_and_not_by_password" {
  command = plan

  variables {
    erp_connections = { crm = { type = "salesforce", url = "https://example.my.salesforce.com" } }
    erp_credentials = { crm = "secret" }
  }

  expect_failures = [var.erp_connections]
}

run "a_salesforce_has_nothing_of_an_odoo" {
  command = plan

  variables {
    erp_connections = { crm = { type = "salesforce", url = "https://example.my.salesforce.com", client_id = "3MVG9", username = "mirror" } }
    erp_credentials = { crm = "secret" }
  }

  expect_failures = [var.erp_connections]
}

run "an_odoo_has_nothing_of_a_salesforce" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key", client_id = "3MVG9" } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "a_mapping_is_of_kinds_that_are_mirrored" {
  command = plan

  variables {
    erp_connections = { crm = { type = "salesforce", url = "https://example.my.salesforce.com", client_id = "3MVG9", mapping = { invoice = { object = "Invoice__c" } } } }
    erp_credentials = { crm = "secret" }
  }

  expect_failures = [var.erp_connections]
}

run "a_connections_password_does_not_travel_in_the_clear" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "http://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "a_connections_address_holds_no_credentials" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://mirror:password@ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "a_connection_without_a_database_is_refused" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", username = "mirror", auth = "api_key" } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "a_connection_signs_in_in_one_of_two_ways" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "password" } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "no_company_is_not_all_companies" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key", companies = [] } }
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_connections]
}

run "connections_fit_into_a_functions_environment" {
  command = plan

  variables {
    erp_connections = { for number in range(40) : "ledger-${number}" => { type = "odoo", url = "https://ledger-${number}.example.com", database = "ledger-${number}", username = "mirror@example.com", auth = "api_key" } }
    erp_credentials = { for number in range(40) : "ledger-${number}" => "key" }
  }

  expect_failures = [var.erp_connections]
}

run "a_credential_without_its_connection_is_refused" {
  command = plan

  variables {
    erp_credentials = { ledger = "key" }
  }

  expect_failures = [var.erp_credentials]
}

run "every_connection_needs_a_credential" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = {}
  }

  expect_failures = [var.erp_credentials]
}

run "an_empty_credential_is_refused" {
  command = plan

  variables {
    erp_connections = { ledger = { type = "odoo", url = "https://ledger.example.com", database = "ledger", username = "mirror", auth = "api_key" } }
    erp_credentials = { ledger = " " }
  }

  expect_failures = [var.erp_credentials]
}

run "the_whole_internet_is_no_private_network" {
  command = plan

  variables {
    allowed_private_networks = ["0.0.0.0/0"]
  }

  expect_failures = [var.allowed_private_networks]
}

run "a_network_begins_with_its_first_address" {
  command = plan

  variables {
    allowed_private_networks = ["10.20.0.5/16"]
  }

  expect_failures = [var.allowed_private_networks]
}

run "private_networks_fit_into_a_functions_environment" {
  command = plan

  variables {
    allowed_private_networks = [for number in range(11) : "10.${number}.0.0/16"]
  }

  expect_failures = [var.allowed_private_networks]
}

run "a_webhook_does_not_send_in_the_clear" {
  command = plan

  variables {
    mirror_enabled = true
    webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_url    = "http://example.com/hooks"
  }

  expect_failures = [var.webhook_url]
}

run "a_webhooks_address_holds_no_credentials" {
  command = plan

  variables {
    mirror_enabled = true
    webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_url    = "https://hook:password@example.com/hooks"
  }

  expect_failures = [var.webhook_url]
}

run "a_webhook_reaches_no_port_of_another_service" {
  command = plan

  variables {
    mirror_enabled = true
    webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_url    = "https://example.com:25/hooks"
  }

  expect_failures = [var.webhook_url]
}

run "a_webhook_needs_the_mirror" {
  command = plan

  variables {
    webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_url    = "https://example.com/hooks/odoo"
  }

  expect_failures = [var.webhook_url]
}

run "a_webhook_signs" {
  command = plan

  variables {
    mirror_enabled = true
    webhook_url    = "https://example.com/hooks/odoo"
    webhook_secret = "hush"
  }

  expect_failures = [var.webhook_secret]
}

run "a_webhooks_secret_is_copied_to_its_end" {
  command = plan

  variables {
    mirror_enabled = true
    webhook_url    = "https://example.com/hooks/odoo"
    webhook_secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE" # without its =
  }

  expect_failures = [var.webhook_secret]
}

run "a_previous_secret_signs_too" {
  command = plan

  variables {
    mirror_enabled          = true
    webhook_secret          = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_url             = "https://example.com/hooks/odoo"
    webhook_previous_secret = "hush"
  }

  expect_failures = [var.webhook_previous_secret]
}

run "a_secret_does_not_precede_itself" {
  command = plan

  variables {
    mirror_enabled          = true
    webhook_secret          = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_url             = "https://example.com/hooks/odoo"
    webhook_previous_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  }

  expect_failures = [var.webhook_previous_secret]
}

run "a_webhook_sends_kinds_that_are_mirrored" {
  command = plan

  variables {
    mirror_enabled = true
    webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    webhook_url    = "https://example.com/hooks/odoo"
    webhook_kinds  = ["invoice"]
  }

  expect_failures = [var.webhook_kinds]
}

run "an_api_needs_a_mirror" {
  command = plan

  variables {
    api_enabled = true
    api_tokens  = { reporting = "reporting-0123456789-0123456789-0123456789" }
  }

  expect_failures = [var.api_enabled]
}

run "an_api_without_tokens_answers_nobody" {
  command = plan

  variables {
    mirror_enabled = true
    api_enabled    = true
  }

  expect_failures = [var.api_tokens]
}

run "the_name_of_a_token_is_plain" {
  command = plan

  variables {
    api_tokens = { "Reporting tool" = "reporting-0123456789-0123456789-0123456789" }
  }

  expect_failures = [var.api_tokens]
}

run "a_short_token_is_refused" {
  command = plan

  variables {
    api_tokens = { reporting = "only-31-characters-0123456789ab" }
  }

  expect_failures = [var.api_tokens]
}

run "two_clients_do_not_share_a_token" {
  command = plan

  variables {
    api_tokens = { reporting = "reporting-0123456789-0123456789-0123456789", shop = "reporting-0123456789-0123456789-0123456789" }
  }

  expect_failures = [var.api_tokens]
}

run "a_client_that_was_removed_has_no_previous_token" {
  command = plan

  variables {
    api_previous_tokens = { reporting = "reporting-0123456789-0123456789-0123456789" }
  }

  expect_failures = [var.api_previous_tokens]
}

run "a_previous_token_was_one" {
  command = plan

  variables {
    api_tokens          = { reporting = "reporting-0123456789-0123456789-0123456789" }
    api_previous_tokens = { reporting = "short" }
  }

  expect_failures = [var.api_previous_tokens]
}

run "a_token_that_was_not_replaced_is_no_previous_one" {
  command = plan

  variables {
    api_tokens          = { reporting = "reporting-0123456789-0123456789-0123456789", shop = "shop-0123456789-0123456789-0123456789" }
    api_previous_tokens = { shop = "reporting-0123456789-0123456789-0123456789" }
  }

  expect_failures = [var.api_previous_tokens]
}

run "a_domain_is_no_address" {
  command = plan

  variables {
    api_domain          = "https://odoo-api.example.com/"
    api_certificate_arn = "arn:aws:acm:us-west-2:123456789012:certificate/0f0e0d0c"
  }

  expect_failures = [var.api_domain]
}

run "a_domain_needs_a_certificate" {
  command = plan

  variables {
    api_domain = "odoo-api.example.com"
  }

  expect_failures = [var.api_certificate_arn]
}

run "a_certificate_is_one_of_this_region" {
  command = plan

  variables {
    api_domain          = "odoo-api.example.com"
    api_certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/0f0e0d0c"
  }

  expect_failures = [var.api_certificate_arn]
}

run "no_site_is_every_site" {
  command = plan

  variables {
    api_allowed_origins = ["*"]
  }

  expect_failures = [var.api_allowed_origins]
}

run "a_throttle_lets_something_through" {
  command = plan

  variables {
    api_throttle_rate = 0
  }

  expect_failures = [var.api_throttle_rate]
}

run "a_burst_is_a_whole_number" {
  command = plan

  variables {
    api_throttle_burst = 1.5
  }

  expect_failures = [var.api_throttle_burst]
}

# --- The intake ---

run "a_time_zone_has_the_form_of_one" {
  command = plan

  variables {
    intake_time_zone = "Europe / Paris"
  }

  expect_failures = [var.intake_time_zone]
}

run "the_maximum_of_an_invoice_has_no_parts_of_a_cent" {
  command = plan

  variables {
    intake_maximum_amount = 100.005
  }

  expect_failures = [var.intake_maximum_amount]
}

run "outcomes_are_announced_in_a_channel_by_its_id" {
  command = plan

  variables {
    intake_slack_channel_id = "#invoices"
  }

  expect_failures = [var.intake_slack_channel_id]
}

run "mail_to_customers_needs_a_sender" {
  command = plan

  variables {
    intake_mails_customers = true
  }

  expect_failures = [var.intake_mails_customers]
}

run "a_sender_is_an_address" {
  command = plan

  variables {
    intake_sender = "Billing <billing@example.com>"
  }

  expect_failures = [var.intake_sender]
}
