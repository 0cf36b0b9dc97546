// Who wrote a batch, and which one it is.
namespace Tapline.Store;

/// <summary>What a batch's header says of its writer.</summary>
/// <param name="Node">The node's name, UTF-8, at most 56 bytes.</param>
/// <param name="Instance">Random per writer's life: makes the identity unique although sequences may repeat.</param>
/// <param name="Worker">The worker's number.</param>
/// <param name="Sequence">Rises by one with each batch of this writer.</param>
/// <param name="RecordsDropped">Records lost so far in this writer's life.</param>
internal readonly record struct SpoolIdentity(
    byte[] Node, ulong Instance, ushort Worker, long Sequence, long RecordsDropped);
