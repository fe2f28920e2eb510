"""A simulator of Odoo's external API, with the dataset's companies."""
