// libvirt's descriptions, and descriptions that attack.
using CsCheck;
using Tapline.Base;
using Tapline.Capture.Identity;
using Xunit;

namespace Tapline.Tests.Capture.Identity.Libvirt;

public class LibvirtXmlTests
{
    // What libvirt 9.0 says of a running machine that OpenStack made, shortened.
    private const string Running = """
        <domain type='qemu' id='7'>
          <name>instance-00000007</name>
          <uuid>6c1f3f5e-0d6c-4f3c-9a51-000000000001</uuid>
          <title>shop &lt;front&gt;</title>
          <description>not a <![CDATA[name]]></description>
          <metadata>
            <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
              <nova:package version="26.1.0"/>
              <nova:name>web01</nova:name>
              <nova:owner><nova:user uuid="u">admin</nova:user><nova:project uuid="p">demo</nova:project></nova:owner>
            </nova:instance>
            <my:info xmlns:my="urn:example:my"><my:tags>prod, web</my:tags><my:tag>pci</my:tag></my:info>
          </metadata>
          <devices>
            <interface type='bridge'>
              <mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='vnet0'/><alias name='net0'/>
            </interface>
            <interface type='bridge'><mac address='52:54:00:00:00:02'/><target dev='vnet1'/></interface>
            <interface type='user'><mac address='52:54:00:00:00:03'/></interface>
            <channel><target type='virtio' dev='not a nic'/></channel>
          </devices>
        </domain>
        """;

    [Fact]
    public void NameTitleMetadataAndNicsAreRead()
    {
        var domain = LibvirtXml.Parse(Running)!;
        Assert.Equal(
            ("instance-00000007", "6c1f3f5e-0d6c-4f3c-9a51-000000000001", true), (domain.Name, domain.Uuid, domain.IsActive));
        Assert.Equal(["shop <front>", "web01"], domain.Aliases);
        Assert.Equal(["pci", "prod", "project:demo", "web"], domain.Tags);
        Assert.Equal(
            [new LibvirtNic("vnet0", 0x525400000001), new("vnet1", 0x525400000002), new("", 0x525400000003)], domain.Nics);
        Assert.False(LibvirtXml.Parse(Running.Replace(" id='7'", "", StringComparison.Ordinal))!.IsActive);
    }

    [Fact]
    public void NamesOfOthersAreCleanAndBounded()
    {
        var name = "&#x1b;]0;evil&#7;\u202e<!-- x -->&#10;" + new string('w', 10_000);
        // XML itself forbids most control characters; a parser that lets them through must not matter.
        Assert.Null(LibvirtXml.Parse($"<domain><name>{name}</name></domain>"));
        var domain = LibvirtXml.Parse($"<domain><name>a&#10;\u202eb{new string('w', 10_000)}</name><uuid>u</uuid></domain>")!;
        Assert.StartsWith("a??bww", domain.Name, StringComparison.Ordinal);
        Assert.Equal(Limits.HostileNameCharactersMax, domain.Name.Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<domain/>")]
    [InlineData("<network><name>n</name></network>")]
    [InlineData("<domain><name></name></domain>")]
    [InlineData("<domain><name>a</name>")]
    [InlineData("<!DOCTYPE domain [<!ENTITY a \"aaaaaaaaaa\">]><domain><name>&a;</name></domain>")]
    [InlineData("<!DOCTYPE domain SYSTEM \"file:///etc/passwd\"><domain><name>a</name></domain>")]
    public void WhatDescribesNobodyIsNobody(string text) => Assert.Null(LibvirtXml.Parse(text));

    [Fact]
    public void DepthLengthAndNumberAreBounded()
    {
        Assert.Null(LibvirtXml.Parse("<domain><name>a</name>" + string.Concat(Enumerable.Repeat("<x>", 100_000))));
        Assert.Null(LibvirtXml.Parse($"<domain><name>a</name><x>{new string('y', Limits.LibvirtXmlCharactersMax)}</x></domain>"));
        var nics = string.Concat(Enumerable.Repeat("<interface><mac address='52:54:00:00:00:01'/></interface>", 1000));
        var tags = string.Concat(Enumerable.Range(0, 1000).Select(i => $"<tag>{i}</tag>"));
        var domain = LibvirtXml.Parse(
            $"<domain><name>a</name><metadata>{tags}</metadata><devices>{nics}</devices></domain>")!;
        Assert.Equal((Limits.VmNicsMax, Limits.VmTagsMax), (domain.Nics.Count, domain.Tags.Count));
    }

    [Fact]
    public void CutAnywhereItIsNobodyAndMutatedItNeverThrows()
    {
        for (var length = 0; length < Running.TrimEnd().Length; length++)
        {
            Assert.Null(LibvirtXml.Parse(Running[..length]));
        }

        Gen.Select(Gen.Int[0, Running.Length - 1], Gen.Char).Array[1, 5].Sample(changes =>
        {
            var text = Running.ToCharArray();
            Array.ForEach(changes, c => text[c.Item1] = c.Item2);
            _ = LibvirtXml.Parse(new string(text));
        });
    }
}
