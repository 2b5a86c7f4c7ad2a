# Five threads, no workers: one process.
threads 5, 5
bind "tcp://0.0.0.0:#{ENV.fetch('PORT', '8080')}"
environment 'production'
log_requests false
quiet
