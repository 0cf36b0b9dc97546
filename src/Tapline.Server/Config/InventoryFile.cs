// A file that says who the VMs are → inventory, or all its mistakes with file name and lines. A file called .yaml, .yml or
// .json is YAML: a list of `key: value` sections, or one under the key vms. Any other is comma-separated values (InventoryCsv).
// Bounded: both forms by size before a byte is parsed.
using Tapline.Base;
using Tapline.Capture.Identity;
using YamlDotNet.RepresentationModel;

namespace Tapline.Server.Config;

/// <summary>Reads inventory files.</summary>
internal static class InventoryFile
{
    // The tree of a YAML text takes a hundred times its size.
    private const int YamlBytesMax = 4 << 20;
    private static readonly string[] s_yamlExtensions = [".yaml", ".yml", ".json"];

    /// <summary>Reads a file; null and the mistakes when there is one.</summary>
    public static VmInventory? Read(string path, out IReadOnlyList<string> mistakes)
    {
        byte[] bytes;
        var isYaml = s_yamlExtensions.Contains(Path.GetExtension(path).ToLowerInvariant());
        var bytesMax = isYaml ? YamlBytesMax : Limits.InventoryBytesMax;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            bytes = new byte[Math.Clamp(file.Length, 0, bytesMax + 1L)];
            bytes = bytes[..file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            mistakes = [$"The inventory cannot be read: {e.Message}"];
            return null;
        }

        if (bytes.Length > bytesMax)
        {
            mistakes = [$"{path} is larger than {bytesMax >> 20} MiB, the most that an inventory of this form may have."];
            return null;
        }

        var inventory = isYaml ? ReadYaml(bytes, out var found) : InventoryCsv.Read(bytes, out found);
        mistakes = [.. found.Select(m => $"{path}: {m}")];
        return inventory;
    }

    private static VmInventory? ReadYaml(byte[] bytes, out IReadOnlyList<InventoryMistake> mistakes)
    {
        var found = new List<ConfigurationMistake>();
        using var reader = new StreamReader(new MemoryStream(bytes));
        var root = YamlText.Parse(reader.ReadToEnd(), found);
        if (root is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode("vms"), out var list))
        {
            root = list;
        }

        var builder = new InventoryBuilder();
        found.ForEach(m => builder.Mistake((int)m.Line, m.Sentence));
        switch (root)
        {
            case YamlSequenceNode vms:
                foreach (var vm in vms)
                {
                    Add(vm, builder);
                }

                break;
            case not null:
                builder.Mistake(1, "an inventory is a list of sections such as `- name: web01`, or has one under `vms:`.");
                break;
            case null when found.Count == 0:
                builder.Mistake(1, "the file is empty; write sections such as `- name: web01`, each with its mac or ip.");
                break;
        }

        return builder.Build(out mistakes);
    }

    private static void Add(YamlNode vm, InventoryBuilder builder)
    {
        var line = (int)vm.Start.Line;
        if (vm is not YamlMappingNode section)
        {
            builder.Mistake(line, "each VM is a section of `key: value` lines that begins with `- name:`.");
            return;
        }

        var cells = new List<KeyValuePair<string, string>>();
        foreach (var (key, value) in section.Children)
        {
            switch (key, value)
            {
                case (YamlScalarNode { Value: { } title }, YamlScalarNode scalar):
                    cells.Add(new(title, scalar.Value ?? ""));
                    break;
                case (YamlScalarNode { Value: { } title }, YamlSequenceNode texts):
                    cells.Add(new(title, string.Join('\n', texts.OfType<YamlScalarNode>().Select(t => t.Value))));
                    break;
                default:
                    builder.Mistake((int)value.Start.Line, "a VM's values are texts or lists of texts.");
                    break;
            }
        }

        builder.Add(line, cells);
    }
}
