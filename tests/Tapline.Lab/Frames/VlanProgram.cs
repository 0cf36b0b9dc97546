// VLAN tags on kernels without a VLAN device: every frame that leaves gets one or two tags, every frame that enters loses
// as many, after the taps have seen them. Used for captures and tests with real tagged traffic.
namespace Tapline.Lab.Frames;

/// <summary>Makes an interface a tagged one.</summary>
internal static class VlanProgram
{
    private const int HelperSkbVlanPush = 18; // bpf_skb_vlan_push
    private const int HelperSkbVlanPop = 19; // bpf_skb_vlan_pop
    private const int TypeCustomer = 0x0081; // 0x8100 in network order
    private const int TypeService = 0xa888; // 0x88a8 in network order

    /// <param name="netns">The namespace of the interface.</param>
    /// <param name="device">The interface.</param>
    /// <param name="vlan">VLAN ID of the inner, or only, tag.</param>
    /// <param name="serviceVlan">VLAN ID of the outer 802.1ad tag; 0 = none.</param>
    public static void Attach(string netns, string device, int vlan, int serviceVlan = 0)
    {
        var push = new BpfAssembler();
        push.Move(6, 1);
        Push(push, TypeCustomer, vlan);
        if (serviceVlan != 0)
        {
            Push(push, TypeService, serviceVlan);
        }

        End(push);
        ClsactProgram.Attach(netns, device, "egress", push.Build(), "tapline_tag");
        var pop = new BpfAssembler();
        pop.Move(6, 1);
        for (var tags = serviceVlan != 0 ? 2 : 1; tags > 0; tags--)
        {
            pop.Move(1, 6);
            pop.Call(HelperSkbVlanPop);
        }

        End(pop);
        ClsactProgram.Attach(netns, device, "ingress", pop.Build(), "tapline_untag");
    }

    private static void Push(BpfAssembler code, int type, int vlan)
    {
        code.Move(1, 6);
        code.MoveImmediate(2, type);
        code.MoveImmediate(3, vlan);
        code.Call(HelperSkbVlanPush);
    }

    private static void End(BpfAssembler code)
    {
        code.MoveImmediate(0, ClsactProgram.Ok);
        code.Exit();
    }
}
