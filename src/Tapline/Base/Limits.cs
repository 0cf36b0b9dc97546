// Every table, pool and ring has its size here, as a sum that says who can hold one. Hitting one is counted, never fatal.
namespace Tapline.Base;

/// <summary>The sizes of all bounded things. Counts unless the name says bytes.</summary>
public static class Limits
{
    /// <summary>Frames that a worker leases at once. Large enough to hide a system call, small enough to stay in L2.</summary>
    public const int BatchFramesMax = 256;

    /// <summary>Observation points one engine can know in its life; ids are not reused while it runs.</summary>
    public const int PointsMax = 4096;

    /// <summary>Mirror sessions one engine can run.</summary>
    public const int MirrorSessionsMax = 64;

    /// <summary>Mirror sessions one engine can know in its life: each that is added or changed has a number of its own.</summary>
    public const int MirrorSessionIdsMax = 4096;

    /// <summary>Largest frame any source may deliver: a BIG TCP super-frame with its headers.</summary>
    public const int FrameBytesMax = 512 * 1024;

    /// <summary>Room for a piece of a capture file; must hold the largest record.</summary>
    public const int FileBlockBytes = 1024 * 1024;

    /// <summary>Bytes that a file reader hands on at once, unless a single frame is larger. Small enough to stay in a
    /// core's second-level cache from reading to the flow table, with what is noted about its frames.</summary>
    public const int FileReadBytes = 256 * 1024;

    /// <summary>Frames in one such block: what a block holds of the smallest Ethernet frames, and some more.</summary>
    public const int FileBlockFramesMax = 16_384;

    /// <summary>Largest record of a capture file: the largest frame and what a pcapng block may say about it.</summary>
    public const int FileRecordBytesMax = FrameBytesMax + (64 * 1024);

    /// <summary>Interfaces one capture file may describe.</summary>
    public const int FileInterfacesMax = 4096;

    /// <summary>Tunnels inside tunnels that are followed before the rest is reported as too deep.</summary>
    public const int TunnelDepthMax = 8;

    /// <summary>VLAN tags kept per frame; further ones are skipped and the frame flagged.</summary>
    public const int VlanTagsMax = 4;

    /// <summary>VLAN tags, MPLS labels, extension headers or source-route entries followed in one stack of them.</summary>
    public const int HeaderChainMax = 16;

    /// <summary>Headers beyond this offset are not followed: offsets in a layout are 16 bits wide.</summary>
    public const int HeaderOffsetMax = 65_000;

    /// <summary>Ring memory for the whole engine, shared by all points and workers, in bytes.</summary>
    public const long RingBudgetBytesDefault = 1L << 30;

    /// <summary>The smallest ring block in bytes: one super-frame of 64 KiB nearly fills it.</summary>
    public const int RingBlockBytesMin = 128 * 1024;

    /// <summary>Bytes of a name that a guest or its owner may have chosen (VM, interface) before it is cut.</summary>
    public const int HostileNameCharactersMax = 128;

    /// <summary>Worker threads of one engine or one offline run.</summary>
    public const int WorkersMax = 64;

    /// <summary>Flows that a live engine keeps at once, over all its workers.</summary>
    public const int LiveFlowsDefault = 1 << 20;

    /// <summary>Disk space of a recording when none is named, in bytes.</summary>
    public const long RecordBudgetBytesDefault = 10L << 30;

    /// <summary>Smallest disk space of a recording: eight segments of the smallest size, in bytes.</summary>
    public const long RecordBudgetBytesMin = 8 * SegmentBytesMin;

    /// <summary>Segments into which a budget is divided: what is removed at once is a small part of what is kept.</summary>
    public const int SegmentsPerBudget = 16;

    /// <summary>Smallest and largest segment that a budget leads to, in bytes; the smallest still takes any frame.</summary>
    public const long SegmentBytesMin = 4L << 20;

    public const long SegmentBytesMax = 256L << 20;

    /// <summary>Disk space that a segment under way reserves at once, in bytes.</summary>
    public const long SegmentReserveBytes = 32L << 20;

    /// <summary>One recorder buffer: large enough that one write at a time keeps a fast disk busy, in bytes.</summary>
    public const int RecordBufferBytes = 4 << 20;

    /// <summary>Recorder buffers of one worker: one being filled, one being written, the others for the disk's hiccups and for the
    /// building of indexes. They cost address space only until the disk is so far behind.</summary>
    public const int RecordBuffersPerWorker = 64;

    /// <summary>The list of key files beside encrypted segments, in bytes, and keys that are taken from one.</summary>
    public const long KeyListBytesMax = 64 << 10;

    public const int KeysPerListMax = 100;

    /// <summary>Fewest of them: one being filled, one being written, one for a hiccup.</summary>
    public const int RecordBuffersMin = 3;

    /// <summary>All buffers of all recorders of an engine: classes × workers × buffers, in bytes.</summary>
    public const long RecordBufferBudgetBytes = 4L << 30;

    /// <summary>Classes of a recording beside the default one.</summary>
    public const int RecordClassesMax = 16;

    /// <summary>Characters of a class's name.</summary>
    public const int RecordClassNameCharactersMax = 32;

    /// <summary>Triggers of a recording; a bit each in a flow's memory.</summary>
    public const int TriggersMax = 16;

    /// <summary>Files of triggers that wait to be made.</summary>
    public const int TriggerFilesWaitingMax = 64;

    /// <summary>A trigger's file ends when it has this many bytes.</summary>
    public const long TriggerFileBytesMax = 1L << 30;

    /// <summary>Payload bytes of each direction of a flow that are kept as its handshake at most, where only handshakes are kept.</summary>
    public const int HandshakeBytesMax = 512 * 1024;

    /// <summary>The same where a gap hides how far the handshake is.</summary>
    public const int HandshakeLostBytesMax = 64 * 1024;

    /// <summary>Finished segments one folder keeps; beyond, the oldest goes although the budget has room.</summary>
    public const int SegmentsMax = 1 << 20;

    /// <summary>Time that a segment's frames can span at most, ns: it is closed when it is a minute old, doubled.</summary>
    public const long SegmentSpanNs = 120_000_000_000;

    /// <summary>Part of a budget that what no hold keeps has in any case: one in so many.</summary>
    public const int UnheldPartOfBudget = 8;

    /// <summary>Holds on one recording, and their file in bytes: each with two texts of some hundred characters.</summary>
    public const int HoldsMax = 1000;

    public const int HoldFileBytesMax = 2 << 20;

    /// <summary>Characters of a hold's texts (who, why).</summary>
    public const int HoldTextCharactersMax = 400;

    /// <summary>Largest seal of a segment that is read, in bytes: hashes of 15,000 blocks of a mebibyte.</summary>
    public const int SealBytesMax = 1 << 20;

    /// <summary>Chains of seals that one folder's journal has, and ranges of removed segments; beyond, neighbours become one.</summary>
    public const int SealChainsMax = 256;

    public const int RemovedRangesMax = 1024;

    /// <summary>Findings of a verification that are listed; further ones are counted.</summary>
    public const int VerifyFindingsMax = 10_000;

    /// <summary>Largest journal of seals that is read, in bytes.</summary>
    public const int EvidenceJournalBytesMax = 2 << 20;

    /// <summary>Interfaces one segment can describe: every point, and as many again for points that changed.</summary>
    public const int SegmentInterfacesMax = 2 * PointsMax;

    /// <summary>Flows that a recorded segment's index keeps; a segment that has more ends early.</summary>
    public const int IndexFlowsPerSegment = 1 << 17;

    /// <summary>Frames of a recorded segment that its index keeps: 256 MiB of tiny frames. Beyond, the segment ends early.</summary>
    public const int IndexFramesPerSegment = 1 << 22;

    /// <summary>Index memories of one worker: one being filled, one being written.</summary>
    public const int IndexBuffersPerWorker = 2;

    /// <summary>Flows that any index may have: of files that were not recorded here, further ones count as packets of no flow.</summary>
    public const int IndexFlowsMax = 1 << 20;

    /// <summary>What is read of an index before anything is known of it: header, directory and filter, in bytes.</summary>
    public const int IndexFirstReadBytes = 64 * 1024;

    /// <summary>Largest filter of an index in bytes: with header and directory it fits the first read.</summary>
    public const int IndexFilterBytesMax = 56 * 1024;

    /// <summary>Segments of one shelf of a folder's summary: two files that are removed as one.</summary>
    public const int SummaryShelfRows = 256;

    /// <summary>Largest row of a summary, in bytes: some hundred interfaces, a list of machines. Segments with more have none.</summary>
    public const int SummaryRowBytesMax = 128 * 1024;

    /// <summary>Shelves that a summary may have beyond twice what its segments fill.</summary>
    public const int SummaryShelvesSpare = 8;

    /// <summary>Segments without a row that get one when a folder is opened, the newest first; some reads each.</summary>
    public const int SummaryMadeAtOpening = 256;

    /// <summary>Largest index file that is read, in bytes.</summary>
    public const long IndexFileBytesMax = 1L << 30;

    /// <summary>Flow records in one spool batch.</summary>
    public const int BatchFlowRowsMax = 8192;

    /// <summary>Ledger rows in one spool batch: each point for one second, twice.</summary>
    public const int BatchLedgerRowsMax = 2 * PointsMax;

    /// <summary>Mirror ledger rows in one spool batch: each session for sixteen seconds.</summary>
    public const int BatchMirrorLedgerRowsMax = 16 * MirrorSessionsMax;

    /// <summary>Spool batches of one worker in memory: one being filled, the others on their way to the disk.</summary>
    public const int SpoolBatchesPerWorker = 4;

    /// <summary>Largest batch file a reader accepts, in bytes.</summary>
    public const int BatchFileBytesMax = 64 << 20;

    /// <summary>Disk space of the spool when nobody ingests it, in bytes.</summary>
    public const long SpoolBudgetBytesDefault = 1L << 30;

    /// <summary>Smallest spool budget: every batch fits, with some to spare; a smaller wish is raised to this.</summary>
    public const long SpoolBudgetBytesMin = 16L << 20;

    /// <summary>Wire frames one captured frame may become: a BIG TCP frame of 512 KiB at the smallest usual MSS of 536,
    /// twice. A guest that asks for more (segments of a few bytes) is refused and counted.</summary>
    public const int MirrorWireFramesPerFrameMax = 2048;

    /// <summary>Wire frames waiting for one target on one worker: two of the largest super-frames. A power of two.</summary>
    public const int MirrorSendFrames = 2 * MirrorWireFramesPerFrameMax;

    /// <summary>Memory of those wire frames in bytes: eight of the largest frames, or 2,700 full Ethernet frames.</summary>
    public const int MirrorSendBufferBytes = 8 * FrameBytesMax;

    /// <summary>Packet blocks of one worker on their way into a pcapng stream: 0.1 s of 650,000 frames a second. A power of two.</summary>
    public const int StreamBlocks = 1 << 16;

    /// <summary>Memory of those blocks in bytes: 0.1 s of 2.5 Gbit/s; it is touched as used.</summary>
    public const int StreamBufferBytes = 32 << 20;

    /// <summary>Bytes that a stream writes at once, unless a single block is larger.</summary>
    public const int StreamChunkBytes = 256 * 1024;

    /// <summary>Interfaces one stream can describe: every point, and as many again for points that changed.</summary>
    public const int StreamInterfacesMax = 2 * PointsMax;

    /// <summary>Clients of one listening stream.</summary>
    public const int StreamClientsMax = 16;

    /// <summary>What waits for one such client, in bytes: one that stops reading for longer loses packets.</summary>
    public const int StreamClientBytes = 16 << 20;

    /// <summary>Frames that a de-duplicating session remembers on one worker: 50 ms of 2.5 million frames a second.</summary>
    public const int MirrorDedupFrames = 1 << 17;

    /// <summary>Flows that a session remembers on one worker, when its shape asks what a flow has sent before.</summary>
    public const int MirrorFlows = 1 << 16;

    /// <summary>Flows whose first frames a session on one worker tells from later ones (4 bytes each).</summary>
    public const int MirrorValueFlows = 1 << 15;

    /// <summary>Frames between the reader of a past and its sender, or of one worker while a session joins the present: 0.1 s of
    /// 650,000 frames a second. A power of two.</summary>
    public const int PastRingFrames = 1 << 16;

    /// <summary>Points that sessions know from recordings only; they take the upper end of all points' numbers.</summary>
    public const int PastPointsMax = 512;

    /// <summary>Memory of those frames in bytes; it is touched as used.</summary>
    public const int PastRingBytes = 64 << 20;

    /// <summary>Flows that an analysis of files follows at once, over all its workers; memory is touched as used.</summary>
    public const int OfflineFlowsDefault = 1 << 19;

    /// <summary>Addresses whose totals a summary keeps.</summary>
    public const int OfflineTalkersMax = 1 << 20;

    /// <summary>Captures of one import.</summary>
    public const int ImportFilesMax = 10_000;

    /// <summary>Frames of a capture that is out of order, while they wait for their place in an import, in bytes.</summary>
    public const int ImportSortBytes = 64 << 20;

    /// <summary>Largest account of an import that is read, in bytes: ten thousand captures with long names.</summary>
    public const int ImportAccountBytesMax = 16 << 20;

    /// <summary>Blocks of a file that are in memory at once: per worker one being decoded and three waiting for others.</summary>
    public const int OfflineBlocksPerWorker = 4;

    /// <summary>Fragmented packets whose parts an offline worker keeps together at once.</summary>
    public const int OfflineFragmentedPackets = 1 << 15;

    /// <summary>Largest message of Open vSwitch's database: its whole contents for some 10,000 ports, in bytes.</summary>
    public const int OvsdbMessageBytesMax = 32 << 20;

    /// <summary>Rows of Open vSwitch's database that are followed: every point as port, interface and mirror, twice.</summary>
    public const int OvsdbRowsMax = 8 * PointsMax;

    /// <summary>Tunnel listeners of one engine, each with up to two sockets.</summary>
    public const int TunnelListenersMax = 16;

    /// <summary>Kernel buffer of one listening socket in bytes, of which the kernel grants the double: some 10,000 packets.</summary>
    public const int TunnelBufferBytes = 16 << 20;

    /// <summary>Names and tags kept of one VM: what people write by hand, and the custom attributes of a large export.</summary>
    public const int VmTagsMax = 64;

    /// <summary>An inventory file in bytes: some 100,000 lines of a wide export.</summary>
    public const int InventoryBytesMax = 32 << 20;

    /// <summary>Rows of an inventory: the NICs of 50,000 VMs, the most that one vCenter knows, and as many again.</summary>
    public const int InventoryRowsMax = 200_000;

    /// <summary>Mistakes in an inventory that are told; the rest is a number.</summary>
    public const int InventoryMistakesMax = 50;

    /// <summary>Domains followed of all libvirt daemons together: each in front of one point, running or not.</summary>
    public const int LibvirtDomainsMax = 2 * PointsMax;

    /// <summary>Description of one domain in characters: libvirt itself takes no message beyond 32 MiB.</summary>
    public const int LibvirtXmlCharactersMax = 4 << 20;

    /// <summary>NICs known of one VM: the most that the virtual machines of the field can have, times two.</summary>
    public const int VmNicsMax = 64;
}
