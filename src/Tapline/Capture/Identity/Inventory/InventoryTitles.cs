// What a column of an inventory says, told by its title: the titles of vCenter, RVTools, PowerCLI, Hyper-V, Proxmox,
// OpenStack and NetBox exports, and what people write by hand. Case, blanks and punctuation do not count. Pure.
namespace Tapline.Capture.Identity;

/// <summary>Knows columns by their titles.</summary>
internal static class InventoryTitles
{
    // The best first: Hyper-V's and PowerCLI's lists of adapters call the adapter Name and the machine VMName or Parent.
    private static readonly string[] s_names =
    [
        "vmname", "vm", "virtualmachine", "virtualmachinename", "parent", "displayname", "guestname", "machinename", "name",
        "hostname", "computername",
    ];

    private static readonly string[] s_ids =
        ["vmuuid", "instanceuuid", "uuid", "smbiosuuid", "biosuuid", "vmid", "instanceid", "serverid", "id"];

    private static readonly string[] s_macs =
        ["mac", "macs", "macaddr", "macaddress", "macaddresses", "hwaddr", "hardwareaddress", "ethernetaddress"];

    private static readonly string[] s_ips =
    [
        "ip", "ips", "ipaddr", "ipaddress", "ipaddresses", "ipv4", "ipv4address", "ipv4addresses", "ipv6", "ipv6address",
        "ipv6addresses", "primaryip", "primaryipaddress", "primaryipv4", "guestipaddress", "address", "addresses", "prefix",
        "cidr", "subnet",
    ];

    private static readonly string[] s_tags =
        ["tag", "tags", "category", "categories", "label", "labels", "role", "roles", "group", "groups"];

    /// <summary>What a title means; <paramref name="rank"/> is smaller for the better of two names or ids.</summary>
    public static InventoryField FieldOf(string title, out int rank)
    {
        var word = string.Concat(title.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();
        rank = 0;
        if ((rank = Array.IndexOf(s_names, word)) >= 0)
        {
            return InventoryField.Name;
        }

        if ((rank = Array.IndexOf(s_ids, word)) >= 0)
        {
            return InventoryField.Id;
        }

        return s_macs.Contains(word) ? InventoryField.Mac
            : s_ips.Contains(word) ? InventoryField.Ip
            : s_tags.Contains(word) ? InventoryField.Tags
            : InventoryField.Other;
    }
}
