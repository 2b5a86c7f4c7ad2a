# ruby-sinatra: Sinatra behind Puma; nothing of Catalyzer in it.
require 'json'
require 'sinatra/base'

# Pages by a template, and JSON.
class App < Sinatra::Base
  set :environment, :production
  set :logging, false
  set :counter, { requests: 0, lock: Mutex.new }

  template(:index) { "hello from Sinatra <%= Sinatra::VERSION %>, request <%= @number %>\n" }

  get '/' do
    counter = settings.counter
    @number = counter[:lock].synchronize { counter[:requests] += 1 }
    content_type :text
    erb :index
  end

  post '/sort' do
    content_type :json
    { values: JSON.parse(request.body.read).fetch('values').sort }.to_json
  end
end
