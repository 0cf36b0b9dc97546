// What stands before an address, port or protocol, and is inherited by those that follow an `and` or `or` without
// qualifiers of their own: `tcp port 80 or 443`.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Syntax;

/// <summary>What kind of thing is named.</summary>
internal enum Subject : byte
{
    /// <summary>Nothing can be inherited here.</summary>
    Undefined,

    /// <summary>Only a direction was given; a host is meant.</summary>
    Default,
    Host,
    Net,
    Port,
    PortRange,
    Protocol,

    /// <summary>Names of Tapline's own: `vm web1 or web2`.</summary>
    Vm,
    Point,
    Tag,
}

/// <summary>Protocol, direction and subject.</summary>
internal readonly record struct Qualifiers(ProtocolWord Protocol, Direction Direction, Subject Subject)
{
    public bool IsDefined => Subject != Subject.Undefined;

    /// <summary>As the operator would write them.</summary>
    public string Text
    {
        get
        {
            var protocol = Protocol == ProtocolWord.None ? "" : Protocol.ToString().ToLowerInvariant() + " ";
            var direction = Direction switch
            {
                Direction.Source => "src ",
                Direction.Destination => "dst ",
                Direction.Both => "src and dst ",
                _ => "",
            };
            return protocol + direction + Subject switch
            {
                Subject.Net => "net",
                Subject.Port => "port",
                Subject.PortRange => "portrange",
                Subject.Protocol => "proto",
                Subject.Vm => "vm",
                Subject.Point => "point",
                Subject.Tag => "tag",
                _ => "host",
            };
        }
    }
}
