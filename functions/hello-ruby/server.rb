# hello-ruby: WEBrick on Debian's Ruby, with nothing of Catalyzer in it.
require 'webrick'

requests = 0
server = WEBrick::HTTPServer.new(
  Port: Integer(ENV.fetch('PORT', '8080')), BindAddress: '0.0.0.0', AccessLog: [],
  Logger: WEBrick::Log.new($stderr, WEBrick::Log::ERROR), DoNotReverseLookup: true
)
count = Mutex.new
server.mount_proc('/') do |request, response|
  raise WEBrick::HTTPStatus::NotFound unless request.path == '/'

  number = count.synchronize { requests += 1 }
  response.content_type = 'text/plain'
  response.body = "hello from Ruby #{RUBY_VERSION}, request #{number}, pid #{Process.pid}\n"
end
%w[INT TERM].each { |signal| trap(signal) { server.shutdown } }
server.start
