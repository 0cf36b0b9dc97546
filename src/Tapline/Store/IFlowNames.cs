// Records carry numbers; readers want names. Whoever prints a record knows them: the engine from its inventory, the
// reader of a spool from the batch, the reader of a capture from the file.
namespace Tapline.Store;

/// <summary>Resolves what a flow record refers to. Null = unknown, and left out of the output.</summary>
public interface IFlowNames
{
    /// <summary>Name of an observation point.</summary>
    string? PointName(ushort pointId);

    /// <summary>Name of the VM that one end of a flow belongs to.</summary>
    /// <param name="pointId">The point that saw this end's frames first; 0xffff = none did.</param>
    /// <param name="mac">This end's MAC address; 0 = none.</param>
    /// <param name="ip">This end's address.</param>
    string? VmName(ushort pointId, ulong mac, IpAddress16 ip);
}
