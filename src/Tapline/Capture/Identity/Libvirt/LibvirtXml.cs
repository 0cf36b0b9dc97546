// libvirt's description of a domain (https://libvirt.org/formatdomain.html) → name, UUID, title, metadata, NICs.
// Metadata is whatever the owner's tools wrote there: OpenStack's name and project, and any element called tag, tags, label or
// labels in any namespace. Hostile text: no DTD, no entity, no resource from elsewhere, at most Limits.LibvirtXmlCharactersMax.
// Pure; libvirt thread.
using System.Xml;
using Tapline.Base;
using Tapline.Capture.Points;

namespace Tapline.Capture.Identity;

/// <summary>Reads domain descriptions.</summary>
internal static class LibvirtXml
{
    private const string NovaNamespace = "http://openstack.org/xmlns/libvirt/nova/";
    private const int DepthMax = 64;
    private static readonly char[] s_tagSeparators = [',', ';', '\n', '\r', '\t'];

    private static readonly XmlReaderSettings s_settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = Limits.LibvirtXmlCharactersMax,
        IgnoreComments = true,
        IgnoreWhitespace = true,
        IgnoreProcessingInstructions = true,
    };

    /// <summary>Reads one description; null when it is none.</summary>
    public static LibvirtDomain? Parse(string text)
    {
        try
        {
            using var xml = XmlReader.Create(new StringReader(text), s_settings);
            return Read(xml);
        }
        catch (XmlException)
        {
            // Not what libvirt writes: it describes nobody.
            return null;
        }
    }

    private static LibvirtDomain? Read(XmlReader xml)
    {
        var path = new Stack<string>();
        var (name, uuid, isActive) = ("", "", false);
        var aliases = new List<string>();
        var tags = new List<string>();
        var nics = new List<LibvirtNic>();
        while (xml.Read())
        {
            switch (xml.NodeType)
            {
                case XmlNodeType.Element:
                    if (path.Count == 0)
                    {
                        if (xml.Name != "domain")
                        {
                            return null;
                        }

                        isActive = xml.GetAttribute("id") is not null;
                    }

                    NoteNic(path, xml, nics);
                    if (!xml.IsEmptyElement)
                    {
                        path.Push(xml.NamespaceURI.StartsWith(NovaNamespace, StringComparison.Ordinal)
                            ? $"nova:{xml.LocalName}" : xml.LocalName);
                        if (path.Count > DepthMax)
                        {
                            return null;
                        }
                    }

                    break;
                case XmlNodeType.EndElement:
                    path.Pop();
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA when path.Count == 2:
                    switch (path.Peek())
                    {
                        case "name": name = HostileText.Clean(xml.Value); break;
                        case "uuid": uuid = HostileText.Clean(xml.Value); break;
                        case "title": aliases.Add(xml.Value); break;
                    }

                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA when path.Contains("metadata"):
                    NoteMetadata(path.Peek(), xml.Value, aliases, tags);
                    break;
            }
        }

        return name.Length == 0 ? null : new LibvirtDomain(name, uuid, isActive)
        {
            Aliases = NameSet.Of(aliases.Where(a => a != name)),
            Tags = NameSet.Of(tags),
            Nics = nics,
        };
    }

    private static void NoteNic(Stack<string> path, XmlReader xml, List<LibvirtNic> nics)
    {
        switch (path.Count, xml.Name)
        {
            case (2, "interface") when path.Peek() == "devices" && nics.Count < Limits.VmNicsMax:
                nics.Add(new LibvirtNic("", 0));
                break;
            case (3, "mac") when path.Peek() == "interface" && nics.Count > 0:
                MacText.TryParse(xml.GetAttribute("address"), out var mac);
                nics[^1] = nics[^1] with { Mac = mac };
                break;
            case (3, "target") when path.Peek() == "interface" && nics.Count > 0:
                nics[^1] = nics[^1] with { Device = xml.GetAttribute("dev") ?? "" };
                break;
        }
    }

    private static void NoteMetadata(string element, string text, List<string> aliases, List<string> tags)
    {
        switch (element)
        {
            case "nova:name":
                aliases.Add(text);
                break;
            case "nova:project":
                tags.Add($"project:{text}");
                break;
            case "tag" or "tags" or "label" or "labels":
                tags.AddRange(text.Split(s_tagSeparators, Limits.VmTagsMax));
                break;
        }
    }
}
