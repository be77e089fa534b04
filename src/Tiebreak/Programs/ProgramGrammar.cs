namespace Tiebreak.Programs;

/// <summary>What a well-formed program is: for each primitive what its operands must be and which shape comes out.</summary>
public static class ProgramGrammar
{
    /// <summary>Checks every node again: ids, order, shapes. Run after reading, after lowering and after taking gradients.</summary>
    /// <exception cref="InvalidOperationException">The program is malformed; the message names the node.</exception>
    public static void Check(TensorProgram program)
    {
        for (var id = 0; id < program.Nodes.Count; id++)
        {
            var node = program.Nodes[id];
            if (node.Id != id || node.Operands.Any(operand => operand.Id >= id || !ReferenceEquals(program.Nodes[operand.Id], operand)))
                throw new InvalidOperationException($"node out of order: {node}");
            try
            {
                var shape = ResultShape(node.Primitive, [.. node.Operands.Select(operand => operand.Shape)], node.Shape);
                if (shape != node.Shape) throw new ArgumentException($"the shape should be {shape}");
            }
            catch (ArgumentException error)
            {
                throw new InvalidOperationException($"malformed node {node}: {error.Message}", error);
            }
        }

        foreach (var (name, node) in program.Outputs)
            if (node.Id >= program.Nodes.Count || !ReferenceEquals(program.Nodes[node.Id], node))
                throw new InvalidOperationException($"output {name} is not a node of the program");
    }

    /// <summary>The shape a primitive makes of operands of the given shapes; <paramref name="leaf"/> is the shape of a leaf.</summary>
    /// <exception cref="ArgumentException">The operands do not fit the primitive.</exception>
    public static Shape ResultShape(Primitive primitive, ReadOnlySpan<Shape> operands, Shape leaf = default)
    {
        switch (primitive)
        {
            case Primitive.Parameter or Primitive.Data:
                Require(operands.Length == 0, "a leaf has no operands");
                return leaf;
            case Primitive.Constant constant:
                Require(operands.Length == 0, "a leaf has no operands");
                Require(constant.Values.Count == leaf.Count, $"{constant.Values.Count} values do not fill {leaf}");
                return leaf;
            case Primitive.Add or Primitive.Multiply:
                Require(operands.Length == 2, "two operands");
                Require(operands[0] == operands[1], $"shapes {operands[0]} and {operands[1]} differ");
                return operands[0];
            case Primitive.Negate or Primitive.Reciprocal or Primitive.Apply:
                Require(operands.Length == 1, "one operand");
                return operands[0];
            case Primitive.Choose choose:
                Require(operands.Length == 1 && operands[0].Rank >= 1, "one operand of rank 1 or more");
                Require(choose.Count >= 1 && choose.Count <= operands[0][operands[0].Rank - 1], $"cannot choose {choose.Count} of {operands[0][operands[0].Rank - 1]}");
                Require(choose.Allowed is null || operands[0].Count % choose.Allowed.Flags.Length == 0, "the mask does not divide the elements");
                return operands[0];
            case Primitive.Contract contract:
                Require(operands.Length == 2, "two operands");
                return ContractShape(contract, operands[0], operands[1]);
            case Primitive.ReduceSum reduce:
                Require(operands.Length == 1 && Ascending(reduce.Axes, operands[0].Rank), $"axes {reduce.Axes} of {operands[0]}");
                return operands[0].Without(reduce.Axes.Span);
            case Primitive.Broadcast broadcast:
                Require(operands.Length == 1 && Ascending(broadcast.Axes, broadcast.Target.Rank), "ascending axes of the target");
                Require(broadcast.Target.Without(broadcast.Axes.Span) == operands[0], $"{operands[0]} does not repeat to {broadcast.Target} along {broadcast.Axes}");
                return broadcast.Target;
            case Primitive.Reshape reshape:
                Require(operands.Length == 1 && operands[0].Count == reshape.Target.Count, $"{operands[0]} does not reshape to {reshape.Target}");
                return reshape.Target;
            case Primitive.Transpose transpose:
                return TransposeShape(transpose, operands);
            case Primitive.Gather gather:
                Require(operands.Length == 1 && operands[0] == gather.Map.Source, $"{operands[0]} is not the map's source {gather.Map.Source}");
                return gather.Map.Target;
            case Primitive.ScatterAdd scatter:
                Require(operands.Length == 1 && operands[0] == scatter.Map.Target, $"{operands[0]} is not the map's target {scatter.Map.Target}");
                return scatter.Map.Source;
            case Primitive.Concat concat:
                return ConcatShape(concat, operands);
            default:
                throw new ArgumentException($"unknown primitive {primitive}");
        }
    }

    static Shape ContractShape(Primitive.Contract contract, Shape left, Shape right)
    {
        Require(contract.Left.Length == left.Rank && contract.Right.Length == right.Rank, $"one letter an axis: {contract.Left},{contract.Right} on {left}, {right}");
        var sizes = new Dictionary<char, int>();
        foreach (var (letters, shape) in new[] { (contract.Left, left), (contract.Right, right) })
        {
            Require(letters.Distinct().Count() == letters.Length, $"a letter twice in {letters}");
            for (var axis = 0; axis < letters.Length; axis++)
                Require(sizes.TryAdd(letters[axis], shape[axis]) || sizes[letters[axis]] == shape[axis], $"axis {letters[axis]} has sizes {sizes[letters[axis]]} and {shape[axis]}");
        }

        Require(contract.Output.Distinct().Count() == contract.Output.Length && contract.Output.All(sizes.ContainsKey), $"letters of {contract.Output}");
        foreach (var letter in sizes.Keys)
            Require(contract.Output.Contains(letter) || (contract.Left.Contains(letter) && contract.Right.Contains(letter)), $"axis {letter} stands in one operand only");
        return new Shape([.. contract.Output.Select(letter => sizes[letter])]);
    }

    static Shape TransposeShape(Primitive.Transpose transpose, ReadOnlySpan<Shape> operands)
    {
        Require(operands.Length == 1, "one operand");
        var operand = operands[0];
        Require(transpose.Order.Order().SequenceEqual(Enumerable.Range(0, operand.Rank)), $"{transpose.Order} is no order of the axes of {operand}");
        return new Shape([.. transpose.Order.Select(axis => operand[axis])]);
    }

    static Shape ConcatShape(Primitive.Concat concat, ReadOnlySpan<Shape> operands)
    {
        Require(operands.Length >= 1 && concat.Axis >= 0 && concat.Axis < operands[0].Rank, "an axis of the operands");
        var sizes = operands[0].Sizes.ToArray();
        for (var k = 1; k < operands.Length; k++)
        {
            Require(operands[k].Rank == sizes.Length, "operands of one rank");
            for (var axis = 0; axis < sizes.Length; axis++)
            {
                if (axis == concat.Axis) sizes[axis] = checked(sizes[axis] + operands[k][axis]);
                else Require(operands[k][axis] == sizes[axis], $"{operands[k]} does not join {operands[0]} along axis {concat.Axis}");
            }
        }

        return new Shape(sizes);
    }

    static bool Ascending(Axes axes, int rank)
    {
        for (var k = 0; k < axes.Count; k++)
            if (axes[k] < 0 || axes[k] >= rank || (k > 0 && axes[k] <= axes[k - 1])) return false;
        return true;
    }

    static void Require(bool condition, string message)
    {
        if (!condition) throw new ArgumentException(message);
    }
}
