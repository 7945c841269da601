# Crypt::JWT with a key set. It has no clock of its own to set.
use strict;
use warnings;
use Crypt::JWT qw(decode_jwt);
use JSON;

my ($base) = @ARGV;
sub text { my $name = shift; open my $file, '<:raw', "$base/$name" or die "$name: $!"; local $/; return scalar <$file> }

my $json = JSON->new->utf8->canonical;
print $json->encode({ version => $Crypt::JWT::VERSION }), "\n";
for my $line (split /\n/, text('cases.jsonl')) {
    my $case = $json->decode($line);
    next if $case->{request};
    my $answer = 'accepted';
    eval {
        my $policy = $json->decode(text("policies/$case->{policy}"));
        my $keys = $json->decode(text("keys/$case->{keys}"));
        decode_jwt(token => $case->{token}, kid_keys => $keys, accepted_alg => $policy->{algorithms}, verify_iss => $policy->{issuer},
            verify_aud => $policy->{audience}, verify_exp => 1, verify_nbf => undef, leeway => $policy->{leeway});
        1;
    } or $answer = 'refused';
    print $json->encode({ name => $case->{name}, answer => $answer }), "\n";
}
