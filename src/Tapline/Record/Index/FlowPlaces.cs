// Where the addresses and names of one flow stand in an index's lists.
namespace Tapline.Record.Index;

/// <summary>Places and references of one flow; 0 = none. Plain data, in native memory.</summary>
internal struct FlowPlaces
{
    public int InitiatorIp;
    public int ResponderIp;
    public int OuterInitiatorIp;
    public int OuterResponderIp;
    public int InitiatorMac;
    public int ResponderMac;
    public int InitiatorVm;
    public int ResponderVm;

    /// <summary>The place under its column's number; 0 for columns that are none.</summary>
    public readonly long Of(IndexColumn column) => column switch
    {
        IndexColumn.InitiatorIp => InitiatorIp,
        IndexColumn.ResponderIp => ResponderIp,
        IndexColumn.OuterInitiatorIp => OuterInitiatorIp,
        IndexColumn.OuterResponderIp => OuterResponderIp,
        IndexColumn.InitiatorMac => InitiatorMac,
        IndexColumn.ResponderMac => ResponderMac,
        IndexColumn.InitiatorVm => InitiatorVm,
        IndexColumn.ResponderVm => ResponderVm,
        _ => 0,
    };
}
