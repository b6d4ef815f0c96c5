# Makes who works in Request Tracker, who asks, and where, by its own means; prints their numbers as JSON.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib';
use JSON;
use RT;

RT::LoadConfig();
RT::Init();

my ( $password, $staff, $requestors, $queues ) = @ARGV;
my %made = ( staff => [], requestors => [], queues => [] );
for my $number ( 1 .. $staff + $requestors ) {
    my $works = $number <= $staff;
    my $user  = RT::User->new( RT->SystemUser );
    my ( $id, $why ) = $user->Create(
        Name         => "p$number",
        EmailAddress => "p$number\@bench.example",
        RealName     => "Ana Ruiz $number",
        Privileged   => $works ? 1 : 0,
        $works ? ( Password => $password ) : (),
    );
    die $why unless $id;
    $user->PrincipalObj->GrantRight( Right => 'SuperUser', Object => RT->System ) if $works;
    push @{ $made{ $works ? 'staff' : 'requestors' } }, $id + 0;
}
for my $number ( 1 .. $queues ) {
    my $queue = RT::Queue->new( RT->SystemUser );
    my ( $id, $why ) = $queue->Create( Name => "Queue $number" );
    die $why unless $id;
    push @{ $made{queues} }, $id + 0;
}
print encode_json( \%made ), "\n";
