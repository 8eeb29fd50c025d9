LISTEN ons_job
