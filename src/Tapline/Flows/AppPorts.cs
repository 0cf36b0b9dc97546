// The application by well-known port, until payload says better.
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Guesses an application from ports.</summary>
internal static class AppPorts
{
    /// <summary>The number of the application in <see cref="AppNames"/>, or 0.</summary>
    public static ushort Find(ushort protocol, ushort responderPort, ushort initiatorPort)
    {
        if (protocol is not (FlowProtocol.Tcp or FlowProtocol.Udp or FlowProtocol.Sctp))
        {
            return 0;
        }

        var isTcp = protocol == FlowProtocol.Tcp;
        var app = ByPort(responderPort, isTcp);
        return (ushort)(app == AppName.Unknown ? ByPort(initiatorPort, isTcp) : app);
    }

    private static AppName ByPort(ushort port, bool isTcp) => port switch
    {
        20 or 21 => AppName.Ftp,
        22 => AppName.Ssh,
        23 => AppName.Telnet,
        25 or 587 => AppName.Smtp,
        53 => AppName.Dns,
        67 or 68 when !isTcp => AppName.Dhcp,
        69 when !isTcp => AppName.Tftp,
        80 or 8080 or 8000 => AppName.Http,
        88 => AppName.Kerberos,
        110 => AppName.Pop3,
        111 => AppName.Rpc,
        123 when !isTcp => AppName.Ntp,
        137 or 138 when !isTcp => AppName.NetBios,
        139 or 445 when isTcp => AppName.Smb2,
        143 => AppName.Imap,
        161 or 162 => AppName.Snmp,
        179 when isTcp => AppName.Bgp,
        389 => AppName.Ldap,
        443 => isTcp ? AppName.Tls : AppName.Quic,
        465 or 636 or 853 or 989 or 990 or 993 or 995 or 8443 => AppName.Tls,
        500 or 4500 when !isTcp => AppName.Ike,
        514 => AppName.Syslog,
        546 or 547 when !isTcp => AppName.Dhcpv6,
        1433 => AppName.Tds,
        1812 or 1813 when !isTcp => AppName.Radius,
        1883 => AppName.Mqtt,
        2049 => AppName.Nfs,
        3260 => AppName.Iscsi,
        3306 => AppName.MySql,
        3389 => AppName.Rdp,
        4789 when !isTcp => AppName.Vxlan,
        5060 => AppName.Sip,
        5353 when !isTcp => AppName.Mdns,
        5432 => AppName.PostgreSql,
        5672 => AppName.Amqp,
        6081 when !isTcp => AppName.Geneve,
        6379 => AppName.Redis,
        9042 => AppName.Cql,
        9092 => AppName.Kafka,
        11211 => AppName.Memcached,
        27017 => AppName.MongoDb,
        50051 => AppName.Grpc,
        _ => AppName.Unknown,
    };
}
