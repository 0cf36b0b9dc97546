// Where the addresses and names of one flow stand in an index's lists, and what its frames showed beyond its record.
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
    public int OtherMac1;
    public int OtherMac2;
    public int FirstIp1;
    public int FirstIp2;
    public FrameExtras Extras;

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
        IndexColumn.Marks => (long)Extras.Marks,
        IndexColumn.OtherMac1 => OtherMac1,
        IndexColumn.OtherMac2 => OtherMac2,
        IndexColumn.FirstIp1 => FirstIp1,
        IndexColumn.FirstIp2 => FirstIp2,
        IndexColumn.OtherVlans => (long)Extras.Vlans,
        IndexColumn.OtherVni => Extras.Vni,
        IndexColumn.OtherPoint => Extras.Point,
        IndexColumn.FirstPort1 => Extras.Port1,
        IndexColumn.FirstPort2 => Extras.Port2,
        IndexColumn.FirstPort3 => Extras.Port3,
        _ => 0,
    };
}
