# ruby-jwt with a key set. It has no clock of its own to set.
require 'json'
require 'jwt'

base = ARGV[0]
text = ->(*names) { File.read(File.join(base, *names)) }
puts JSON.generate(version: JWT.gem_version.to_s)
text.call('cases.jsonl').each_line do |line|
  one = JSON.parse(line)
  next if one.key?('request')

  answer = 'accepted'
  begin
    policy = JSON.parse(text.call('policies', one['policy']))
    keys = JSON.parse(text.call('keys', one['keys']), symbolize_names: true)
    JWT.decode(one['token'], nil, true, jwks: keys, algorithms: policy['algorithms'], iss: policy['issuer'], verify_iss: true,
               aud: policy['audience'], verify_aud: true, leeway: policy['leeway'], required_claims: ['exp'])
  rescue StandardError
    answer = 'refused'
  end
  puts JSON.generate(name: one['name'], answer: answer)
end
