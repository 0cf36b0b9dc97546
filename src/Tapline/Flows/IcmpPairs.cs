// Which ICMP messages ask and which answer (RFC 792, 950, 1256, 4443, 4861, 2710): so that both are one flow.
namespace Tapline.Flows;

/// <summary>Query and reply types of ICMP and ICMPv6.</summary>
internal static class IcmpPairs
{
    /// <summary>The query type of the pair that <paramref name="type"/> belongs to, or -1 for one-way messages.</summary>
    public static int QueryOf(bool isVersion6, int type, out bool isReply)
    {
        var query = isVersion6 ? QueryOf6(type) : QueryOf4(type);
        isReply = query >= 0 && query != type;
        return query;
    }

    /// <summary>True when the message carries an identifier that tells conversations apart.</summary>
    public static bool HasIdentifier(bool isVersion6, int queryType) =>
        isVersion6 ? queryType == 128 : queryType is 8 or 13 or 15 or 17;

    private static int QueryOf4(int type) => type switch
    {
        8 or 0 => 8,        // echo
        10 or 9 => 10,      // router solicitation and advertisement
        13 or 14 => 13,     // timestamp
        15 or 16 => 15,     // information
        17 or 18 => 17,     // address mask
        _ => -1,
    };

    private static int QueryOf6(int type) => type switch
    {
        128 or 129 => 128,  // echo
        130 or 131 => 130,  // multicast listener query and report
        133 or 134 => 133,  // router solicitation and advertisement
        135 or 136 => 135,  // neighbour solicitation and advertisement
        139 or 140 => 139,  // node information
        144 or 145 => 144,  // home agent discovery
        _ => -1,
    };
}
