"""Managing over REST, under /api/admin/: each view asks for a right and calls the admin's verbs."""
