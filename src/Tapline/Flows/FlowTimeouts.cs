// How long which flow may be silent.
using System.Runtime.CompilerServices;
using Tapline.Store;

namespace Tapline.Flows;

/// <summary>Idle times by protocol and state.</summary>
internal static class FlowTimeouts
{
    /// <summary>Silence in ns after which the flow has ended; 0 = never.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long IdleNs(FlowTableOptions options, in FlowHot hot) => hot.State switch
    {
        FlowState.None => hot.Protocol == FlowProtocol.Udp ? options.UdpIdleNs : options.OtherIdleNs,
        FlowState.SynUnanswered or FlowState.HandshakeUnfinished => options.TcpUnansweredNs,
        FlowState.Established or FlowState.MidStream or FlowState.HalfClosed => options.TcpIdleNs,
        _ => options.TcpEndedNs,
    };
}
