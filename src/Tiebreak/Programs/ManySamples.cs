namespace Tiebreak.Programs;

/// <summary>
/// A program for one sample as a program for many at once: everything that depends on data gets a leading axis of samples, and no sample sees another. Parameters and
/// constants stay as they are, so a gradient of the result is a sum over samples.
/// </summary>
public static class ManySamples
{
    /// <summary>The same outputs for each of <paramref name="samples"/> samples; an output that depends on no data is repeated.</summary>
    public static TensorProgram Of(TensorProgram program, int samples)
    {
        var builder = new ProgramBuilder();
        var made = new Node[program.Nodes.Count];
        var isMany = program.DependsOn(leaf => leaf is Primitive.Data);
        foreach (var node in program.Nodes)
        {
            builder.Origin = node.Origin;
            made[node.Id] = isMany[node.Id] ? Many(builder, node, made, isMany, samples) : Copy(builder, node, made);
        }

        foreach (var (name, node) in program.Outputs)
            builder.Output(name, isMany[node.Id] ? made[node.Id] : Repeat(builder, made[node.Id], samples));
        return builder.Build();
    }

    static Node Copy(ProgramBuilder b, Node node, Node[] made) => node.Primitive switch
    {
        Primitive.Parameter parameter => b.Parameter(parameter.Name, node.Shape),
        Primitive.Constant constant => b.Constant(constant.Values, node.Shape),
        var primitive => b.Make(primitive, [.. node.Operands.Select(operand => made[operand.Id])]),
    };

    static Node Many(ProgramBuilder b, Node node, Node[] made, bool[] isMany, int samples)
    {
        Node Operand(int k) => made[node.Operands[k].Id];
        Node Repeated(Node operand) => isMany[operand.Id] ? made[operand.Id] : Repeat(b, made[operand.Id], samples);
        switch (node.Primitive)
        {
            case Primitive.Data data:
                return b.Data(data.Name, Longer(node.Shape, samples), data.Kind);
            case Primitive.Add:
                return b.Add(Repeated(node.Operands[0]), Repeated(node.Operands[1]));
            case Primitive.Multiply:
                return b.Multiply(Repeated(node.Operands[0]), Repeated(node.Operands[1]));
            case Primitive.Contract contract:
                var (left, right, output) = (contract.Left, contract.Right, contract.Output);
                var sample = Unused(left + right + output);
                return b.Contract(
                    isMany[node.Operands[0].Id] ? sample + left : left, isMany[node.Operands[1].Id] ? sample + right : right, sample + output, Operand(0), Operand(1));
            case Primitive.ReduceSum reduce:
                return b.ReduceSum(Operand(0), [.. reduce.Axes.Select(axis => axis + 1)]);
            case Primitive.Broadcast broadcast:
                return b.Broadcast(Operand(0), Longer(broadcast.Target, samples), [.. broadcast.Axes.Select(axis => axis + 1)]);
            case Primitive.Reshape reshape:
                return b.Reshape(Operand(0), Longer(reshape.Target, samples));
            case Primitive.Transpose transpose:
                return b.Transpose(Operand(0), [0, .. transpose.Order.Select(axis => axis + 1)]);
            case Primitive.Gather gather:
                return b.Gather(Operand(0), Many(gather.Map, samples));
            case Primitive.ScatterAdd scatter:
                return b.ScatterAdd(Operand(0), Many(scatter.Map, samples));
            case Primitive.Concat concat:
                return b.Concat(concat.Axis + 1, [.. node.Operands.Select(Repeated)]);
            case Primitive.Choose { Allowed: { } allowed } choose when node.Shape.Count % allowed.Flags.Length != 0:
                throw new InvalidOperationException($"a mask that does not fit its sample: {node}");
            default: // element by element, or along the last axis
                return b.Make(node.Primitive, Operand(0));
        }
    }

    static IndexMap Many(IndexMap map, int samples)
    {
        Shape source = Longer(map.Source, samples), target = Longer(map.Target, samples);
        if (map is IndexMap.Affine affine) return new IndexMap.Affine(source, target, affine.Offset, new Axes([checked((int)map.Source.Count), .. affine.Strides]));
        var one = ((IndexMap.Table)map).Positions;
        var all = new int[checked(one.Length * samples)];
        for (var sample = 0; sample < samples; sample++)
            for (var k = 0; k < one.Length; k++)
                all[sample * one.Length + k] = one[k] < 0 ? -1 : checked(one[k] + sample * (int)map.Source.Count);
        return new IndexMap.Table(source, target, all);
    }

    static Node Repeat(ProgramBuilder b, Node node, int samples) => b.Broadcast(node, Longer(node.Shape, samples), 0);

    static Shape Longer(Shape shape, int samples) => new([samples, .. shape.Sizes.Span]);

    static string Unused(string letters)
    {
        const string All = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        return All.First(letter => !letters.Contains(letter, StringComparison.Ordinal)).ToString();
    }
}
